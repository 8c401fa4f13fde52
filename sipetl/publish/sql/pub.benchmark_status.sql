-- Numbers that a reader of pub may know already, with the first and last cycle that shows them: a difference to any
-- other number would give that one away.
with shown as (
    select p.organization_code, b.metric, b.student_group, s.value, min(s.cycle) as one_cycle, max(s.cycle) as other_cycle
    from ops.release_status as s
    join plan.benchmark as b on b.benchmark_id = s.benchmark_id
    join plan.version as p on p.version_id = b.version_id
    where s.suppression is null and s.value is not null
    group by p.organization_code, b.metric, b.student_group, s.value
),
judged as (
    select
        s.*,
        p.organization_code,
        p.plan,
        b.code as benchmark_code,
        b.is_mag,
        b.kind,
        b.practice,
        b.category,
        b.is_academic,
        b.metric,
        b.student_group,
        b.path,
        b.due_on,
        -- these paths expect what the plan says; one that rises expects the value before, the others last year's values,
        -- which no release need have shown
        b.path in ('hold', 'linear', 'checkpoints', 'year_end_only')
        or (b.path <> 'rises' and s.expected = s.target)
        or (b.path = 'rises' and (s.cycle <> e.one_cycle or s.cycle <> e.other_cycle)) as expected_is_known,
        s.cycle <> c.one_cycle or s.cycle <> c.other_cycle as before_is_known
    from ops.release_status as s
    join plan.benchmark as b on b.benchmark_id = s.benchmark_id
    join plan.version as p on p.version_id = b.version_id
    left join shown as e
        on e.organization_code = p.organization_code and e.metric = b.metric
        and e.student_group = b.student_group and e.value = s.expected
    left join shown as c
        on c.organization_code = p.organization_code and c.metric = b.metric
        and c.student_group = b.student_group and c.value = s.value - s.change
)
select
    j.cycle,
    c.school_year,
    j.benchmark_id,
    j.plan,
    j.benchmark_code,
    j.is_mag,
    j.kind,
    j.practice,
    j.category,
    j.is_academic,
    o.organization_id,
    j.organization_code,
    j.metric,
    j.student_group,
    j.path,
    j.due_on,
    j.as_of,
    j.target,
    case when j.suppression is null then j.status end as status,
    case when j.suppression is null then j.certainty end as certainty,
    case
        when j.suppression = 'E' then 'embargoed'
        when j.suppression = 'N' then 'not reported'
        when j.suppression is not null then 'suppressed'
        else coalesce(round(j.value, coalesce(m.decimals, 1))::text, 'not reported')
    end as display_value,
    case when j.suppression is null then j.value end as value,
    case when j.suppression is null then j.low end as low,
    case when j.suppression is null then j.high end as high,
    case when j.suppression is null then j.n end as n,
    case when j.suppression is null and j.expected_is_known then j.expected end as expected,
    case when j.suppression is null and j.expected_is_known then j.gap end as gap,
    case when j.suppression is null and j.before_is_known then j.change end as change,
    j.suppression,
    case when j.suppression is null and j.before_is_known then j.change_low end as change_low,
    case when j.suppression is null and j.before_is_known then j.change_high end as change_high,
    case when j.suppression is null and j.before_is_known then j.is_change_beyond_noise end as is_change_beyond_noise,
    case when j.suppression is null then j.pace end as pace,
    case when j.suppression is null then j.pace_period end as pace_period,
    case when j.suppression is null then j.periods_left end as periods_left,
    -- no projection: it is drawn through values that may be hidden, and would give the last of them away
    case when j.suppression is null and j.value is not null then j.occurrence end as occurrence,
    case when j.suppression is null and j.value is not null then j.occurrences_met end as occurrences_met,
    case when j.suppression is null and j.value is not null then j.occurrences_judged end as occurrences_judged,
    case when j.suppression is null and j.value is not null then j.occurrences_needed end as occurrences_needed,
    case when j.suppression is null and j.value is not null then j.occurrences_total end as occurrences_total
from judged as j
join ref.cycle as c on c.cycle = j.cycle
left join ref.organization as o
    on o.code = j.organization_code and o.authority = (select authority from ref.home)
left join lateral (
    select decimals from ref.metric where metric = j.metric order by version desc limit 1
) as m on true
