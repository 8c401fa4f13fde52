-- Of a further edition: years to date that are in the edition before, and have moved on with the data since. What they
-- were on their day cannot be computed from the current row; the cycle's own period restates the same days.
insert into ops.release_value (
    cycle, organization_id, period_id, metric, student_group, metric_version, school_year, as_of,
    numerator, denominator, sum_xx, sum_xy, sum_yy, n, expected_n, coverage, value, low, high, data_status, input_id
)
select
    b.cycle, b.organization_id, b.period_id, b.metric, b.student_group, b.metric_version, b.school_year, b.as_of,
    b.numerator, b.denominator, b.sum_xx, b.sum_xy, b.sum_yy, b.n, b.expected_n, b.coverage, b.value, b.low, b.high,
    b.data_status, b.input_id
from ops.past_release_value as b
join ref.period as p on p.period_id = b.period_id and p.kind = 'year'
join metric.value as v
    on v.organization_id = b.organization_id and v.period_id = b.period_id
    and v.metric = b.metric and v.student_group = b.student_group
where b.cycle = :cycle and b.edition = :edition - 1 and v.as_of > b.as_of
on conflict do nothing
