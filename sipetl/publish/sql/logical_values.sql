select line
from (
    select
        json_build_array(
            o.authority, o.code, p.kind, p.code, p.school_year, v.metric, v.metric_version, v.student_group, v.as_of,
            v.numerator, v.denominator, trim_scale(v.sum_xx), trim_scale(v.sum_xy), trim_scale(v.sum_yy),
            v.n, v.expected_n, trim_scale(v.coverage), trim_scale(v.value), trim_scale(v.low), trim_scale(v.high),
            v.data_status, v.suppression
        )::text as line
    from ops.release_value as v
    join ref.organization as o using (organization_id)
    join ref.period as p using (period_id)
    where v.cycle = :cycle
) as lines
order by line collate "C"
