-- A district's own frozen values: its schools' and its own, without what it took over from others' publications.
select
    o.code as organization,
    o.level,
    o.name as organization_name,
    p.kind as period_kind,
    p.code as period,
    v.school_year,
    v.metric,
    v.metric_version,
    v.student_group,
    v.as_of,
    v.numerator,
    v.denominator,
    v.n,
    v.expected_n,
    v.value,
    v.data_status,
    v.suppression
from {values} as v
join ref.organization as o using (organization_id)
join ref.period as p using (period_id)
left join ref.metric as m on m.metric = v.metric and m.version = v.metric_version
where v.cycle = :cycle and v.edition = :edition and o.district = :district and o.level in ('district', 'school')
    and m.feed is distinct from 'published_results'
order by o.code collate "C", p.school_year, p.kind, p.code, v.metric, v.student_group
