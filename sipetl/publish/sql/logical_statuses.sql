select line
from (
    select
        json_build_array(
            p.plan, p.effective_from, b.code, b.is_mag, s.as_of, s.status, s.certainty,
            trim_scale(s.value), trim_scale(s.low), trim_scale(s.high), s.n,
            trim_scale(s.expected), trim_scale(s.target), trim_scale(s.gap), trim_scale(s.change), s.suppression,
            trim_scale(s.change_low), trim_scale(s.change_high), s.is_change_beyond_noise,
            trim_scale(s.pace), s.pace_period, s.periods_left,
            trim_scale(s.projection), trim_scale(s.projection_low), trim_scale(s.projection_high),
            s.occurrence, s.occurrences_met, s.occurrences_judged, s.occurrences_needed, s.occurrences_total
        )::text as line
    from ops.release_status as s
    join plan.benchmark as b using (benchmark_id)
    join plan.version as p using (version_id)
    where s.cycle = :cycle
) as lines
order by line collate "C"
