-- A goal is the same in every version of its plan by its code; what only follows from other cycles (change, projection) is not compared.
with goal as (
    select b.benchmark_id, v.plan, v.organization_code, b.code as benchmark, b.metric, b.student_group
    from plan.benchmark as b
    join plan.version as v using (version_id)
),
before as (
    select s.*, g.plan, g.organization_code, g.benchmark, g.metric, g.student_group
    from ops.past_release_status as s
    join goal as g using (benchmark_id)
    where s.cycle = :cycle and s.edition = :edition - 1
),
after as (
    select s.*, g.plan, g.organization_code, g.benchmark, g.metric, g.student_group
    from ops.release_status as s
    join goal as g using (benchmark_id)
    where s.cycle = :cycle
)
select
    'status' as kind,
    coalesce(a.organization_code, b.organization_code) as organization,
    o.level,
    d.calendar,
    coalesce(a.metric, b.metric) as metric,
    coalesce(a.student_group, b.student_group) as student_group,
    cast(:cycle as text) as period,
    plan,
    benchmark,
    null::date as starts_on,
    coalesce(a.as_of, b.as_of) as as_of,
    b.value as released,
    a.value as current,
    b.status as released_status,
    a.status as current_status,
    null::integer as released_version,
    null::integer as current_version,
    b.input_id as released_input,
    a.input_id as current_input,
    coalesce(b.value is not null and a.value is not null and b.suppression is null and a.suppression is null, false)
    as is_public
from before as b
full join after as a using (plan, benchmark)
left join ref.organization as o
    on o.code = coalesce(a.organization_code, b.organization_code) and o.authority = (select authority from ref.home)
left join ref.organization as d on d.level = 'district' and d.authority = o.authority and d.district = o.district
where (b.status, b.certainty, b.value, b.n, b.expected, b.target, b.metric, b.student_group)
    is distinct from (a.status, a.certainty, a.value, a.n, a.expected, a.target, a.metric, a.student_group)
order by plan, benchmark
