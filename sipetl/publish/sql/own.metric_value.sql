select
    v.school_year,
    v.organization_id,
    o.code as organization_code,
    o.district,
    v.period_id,
    p.code as period_code,
    v.metric,
    v.metric_version,
    v.student_group,
    v.as_of,
    coalesce(round(v.value, coalesce(m.decimals, 1))::text, 'not reported') as display_value,
    v.value,
    v.low,
    v.high,
    v.numerator,
    v.denominator,
    v.n,
    v.expected_n,
    v.coverage,
    v.data_status
from metric.value as v
join ref.organization as o on o.organization_id = v.organization_id
join ref.period as p on p.period_id = v.period_id
left join ref.metric as m on m.metric = v.metric and m.version = v.metric_version
where exists (
    select
    from ops.reader_grant as g
    where g.role_name = current_user and g.district in ('*', o.district)
)
