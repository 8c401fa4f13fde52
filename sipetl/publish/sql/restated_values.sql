-- What the edition before has, and this one has otherwise; either side may lack the row.
with before as (
    select * from ops.past_release_value where cycle = :cycle and edition = :edition - 1
),
after as (
    select * from ops.release_value where cycle = :cycle
)
select
    'value' as kind,
    o.code as organization,
    o.level,
    d.calendar,
    metric,
    student_group,
    p.code as period,
    null as plan,
    null as benchmark,
    p.starts_on,
    coalesce(a.as_of, b.as_of) as as_of,
    b.value as released,
    a.value as current,
    b.data_status as released_status,
    a.data_status as current_status,
    b.metric_version as released_version,
    a.metric_version as current_version,
    b.input_id as released_input,
    a.input_id as current_input,
    coalesce(b.value is not null and a.value is not null and b.suppression is null and a.suppression is null, false)
    as is_public
from before as b
full join after as a using (organization_id, period_id, metric, student_group)
join ref.organization as o using (organization_id)
join ref.period as p using (period_id)
left join ref.organization as d on d.level = 'district' and d.authority = o.authority and d.district = o.district
where (
    b.metric_version, b.as_of, b.numerator, b.denominator, b.sum_xx, b.sum_xy, b.sum_yy, b.n, b.expected_n,
    b.value, b.low, b.high, b.data_status
) is distinct from (
    a.metric_version, a.as_of, a.numerator, a.denominator, a.sum_xx, a.sum_xy, a.sum_yy, a.n, a.expected_n,
    a.value, a.low, a.high, a.data_status
)
order by metric, p.sort, p.code, o.code, student_group
