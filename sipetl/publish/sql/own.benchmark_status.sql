select
    s.cycle,
    c.school_year,
    s.benchmark_id,
    p.plan,
    b.code as benchmark_code,
    b.is_mag,
    b.kind,
    b.practice,
    b.category,
    b.is_academic,
    b.text as wording,
    o.organization_id,
    o.code as organization_code,
    o.district,
    b.metric,
    b.student_group,
    b.path,
    b.due_on,
    s.as_of,
    b.baseline_value,
    s.target,
    s.status,
    s.certainty,
    coalesce(round(s.value, coalesce(m.decimals, 1))::text, 'not reported') as display_value,
    s.value,
    s.low,
    s.high,
    s.n,
    s.expected,
    s.gap,
    s.change,
    s.change_low,
    s.change_high,
    s.is_change_beyond_noise,
    s.pace,
    s.pace_period,
    s.periods_left,
    s.projection,
    s.projection_low,
    s.projection_high,
    s.occurrence,
    s.occurrences_met,
    s.occurrences_judged,
    s.occurrences_needed,
    s.occurrences_total
from metric.status as s
join ref.cycle as c on c.cycle = s.cycle
join plan.benchmark as b on b.benchmark_id = s.benchmark_id
join plan.version as p on p.version_id = b.version_id
join ref.organization as o on o.code = p.organization_code and o.authority = (select authority from ref.home)
left join lateral (
    select decimals from ref.metric where metric = b.metric order by version desc limit 1
) as m on true
where exists (
    select
    from ops.reader_grant as g
    where g.role_name = current_user and g.district in ('*', o.district)
)
