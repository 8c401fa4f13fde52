with wide as (
    select
        r.cycle,
        r.school_year,
        r.organization_id,
        r.period_id,
        r.student_group,
{columns}
    from (
        select *, case when suppression is null then value end as shown from ops.release_value
    ) as r
    where r.metric in ({metrics})
    group by r.cycle, r.school_year, r.organization_id, r.period_id, r.student_group
)
select
    w.cycle,
    w.school_year,
    w.organization_id,
    o.code as organization_code,
    o.name as organization_name,
    o.level,
    w.period_id,
    p.code as period_code,
    w.student_group,
{names}
from wide as w
join ref.organization as o on o.organization_id = w.organization_id
join ref.period as p on p.period_id = w.period_id
