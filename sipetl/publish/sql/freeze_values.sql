insert into ops.release_value (
    cycle, organization_id, period_id, metric, student_group, metric_version, school_year, as_of,
    numerator, denominator, sum_xx, sum_xy, sum_yy, n, expected_n, coverage, value, low, high, data_status, input_id
)
select
    c.cycle, v.organization_id, v.period_id, v.metric, v.student_group, v.metric_version, v.school_year, v.as_of,
    v.numerator, v.denominator, v.sum_xx, v.sum_xy, v.sum_yy, v.n, v.expected_n, v.coverage, v.value, v.low, v.high,
    v.data_status, v.input_id
from ref.cycle as c
join metric.value as v on v.school_year <= c.school_year
join ref.period as p on p.period_id = v.period_id
left join ref.metric as m on m.metric = v.metric and m.version = v.metric_version
where c.cycle = :cycle
    and (
        (p.kind = 'cycle' and p.code = c.cycle)
        or (p.kind in ('month', 'window') and p.school_year = c.school_year and p.ends_on <= c.data_as_of)
        -- the year to date has one row, which moves on with the data
        or (p.kind = 'year' and p.school_year = c.school_year and v.as_of <= c.data_as_of)
        or (m.feed = 'published_results' and v.as_of <= c.data_as_of)
    )
