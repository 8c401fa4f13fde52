-- Only numbers that the public was shown before and is shown now: of any other it must not even learn that it changed.
select
    r.cycle,
    r.edition,
    c.school_year,
    o.organization_id,
    r.organization as organization_code,
    r.kind as restated_kind,
    r.metric,
    r.student_group,
    r.period as period_code,
    r.plan,
    r.benchmark as benchmark_code,
    r.released as released_value,
    r.current as restated_value,
    r.released_status,
    r.current_status as restated_status,
    r.cause
from ops.restatement as r
join ops.release as l on l.cycle = r.cycle and l.edition = r.edition
join ref.cycle as c on c.cycle = r.cycle
left join ref.organization as o on o.code = r.organization and o.authority = (select authority from ref.home)
where r.is_public
