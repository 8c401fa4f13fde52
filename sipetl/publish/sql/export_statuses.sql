select
    g.plan,
    g.organization_code as organization,
    b.code as benchmark,
    b.is_mag,
    b.metric,
    b.student_group,
    b.due_on,
    s.as_of,
    s.target,
    s.status,
    s.certainty,
    s.value,
    s.n,
    s.suppression
from {statuses} as s
join plan.benchmark as b using (benchmark_id)
join plan.version as g using (version_id)
join ref.organization as o on o.code = g.organization_code and o.authority = (select authority from ref.home)
where s.cycle = :cycle and s.edition = :edition and o.district = :district
order by g.plan collate "C", b.code collate "C"
