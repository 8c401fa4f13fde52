insert into ops.release_status (
    cycle, benchmark_id, as_of, status, certainty, value, low, high, n, expected, target, gap, change, arrival_id, input_id
)
select
    cycle, benchmark_id, as_of, status, certainty, value, low, high, n, expected, target, gap, change, arrival_id, input_id
from metric.status
where cycle = :cycle
