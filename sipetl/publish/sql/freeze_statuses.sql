insert into ops.release_status (
    cycle, benchmark_id, as_of, status, certainty, value, low, high, n, expected, target, gap, change, arrival_id, input_id,
    change_low, change_high, is_change_beyond_noise, pace, pace_period, periods_left,
    projection, projection_low, projection_high,
    occurrence, occurrences_met, occurrences_judged, occurrences_needed, occurrences_total
)
select
    cycle, benchmark_id, as_of, status, certainty, value, low, high, n, expected, target, gap, change, arrival_id, input_id,
    change_low, change_high, is_change_beyond_noise, pace, pace_period, periods_left,
    projection, projection_low, projection_high,
    occurrence, occurrences_met, occurrences_judged, occurrences_needed, occurrences_total
from metric.status
where cycle = :cycle
