with wide as (
    select
        r.school_year,
        r.organization_id,
        r.period_id,
        r.student_group,
{columns}
    from (select *, value as shown from metric.value) as r
    where r.metric in ({metrics})
    group by r.school_year, r.organization_id, r.period_id, r.student_group
)
select
    w.school_year,
    w.organization_id,
    o.code as organization_code,
    o.name as organization_name,
    o.level,
    o.district,
    w.period_id,
    p.code as period_code,
    w.student_group,
{names}
from wide as w
join ref.organization as o on o.organization_id = w.organization_id
join ref.period as p on p.period_id = w.period_id
where exists (
    select
    from ops.reader_grant as g
    where g.role_name = current_user and g.district in ('*', o.district)
)
