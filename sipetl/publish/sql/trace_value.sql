select
    o.code as organization,
    o.name as organization_name,
    p.kind as period_kind,
    p.code as period,
    v.school_year,
    v.metric,
    v.metric_version,
    m.title,
    m.source,
    m.definition_sha256,
    v.student_group,
    v.as_of,
    v.value,
    v.low,
    v.high,
    v.numerator,
    v.denominator,
    v.sum_xx,
    v.sum_xy,
    v.sum_yy,
    v.n,
    v.expected_n,
    v.coverage,
    v.data_status,
    s.days_due,
    s.days_overdue,
    s.days_pending,
    {suppression} as suppression,
    v.input_id
from {table} as v
join ref.organization as o using (organization_id)
join ref.period as p using (period_id)
left join ref.metric as m on m.metric = v.metric and m.version = v.metric_version
-- what the ledger lacks now; it says nothing of a release
left join ops.shortfall as s
    on s.organization_id = v.organization_id and s.feed = m.feed and s.period_id = v.period_id and s.basis = m.basis
    and {is_current}
where o.code = :organization and p.code = :period and v.metric = :metric and v.student_group = :student_group
    and o.authority = (select authority from ref.home)
    and {condition}
order by p.kind, v.school_year
