-- Shared by facts: schools, periods, and who was enrolled where at a period's end.
with school as (
    select organization_id, code, district, district_id, region_id, state_id, calendar
    from ref_organization
    where level = 'school'
),
period as (
    select period_id, school_year, kind, code, starts_on, ends_on, least(ends_on, $as_of) as as_of
    from ref_period
    where starts_on <= $as_of
),
window_end as (
    select school_year, split_part(code, '-', 2) as window_code, max(ends_on) as ends_on
    from ref_period
    where kind = 'window'
    group by all
),
roster_person as (
    select
        k.id_hash,
        coalesce(i.student_key, own_key(k.id_hash)) as person_key
    from (select distinct id_hash from lake_roster) as k
    left join identity as i on i.id_hash = k.id_hash
),
span as (
    select
        p.person_key, s.organization_id, s.district, r.school_year, r.valid_from,
        coalesce(r.valid_to, date '9999-01-01') as valid_to,
        r.grade, r.race_ethnicity, r.gender, r.english_learner, r.english_learner or r.former_el as el_or_former_el,
        r.disability, r.low_income, r.local_frl,
        high_needs_of(
            r.high_needs, r.disability, r.english_learner, r.former_el, r.low_income, s.district, r.school_year
        ) as high_needs,
        row_number() over (order by r.valid_from, r.part_id, r.row_number) as span_id
    from lake_roster as r
    join school as s on s.code = r.school
    join roster_person as p on p.id_hash = r.id_hash
    where r.valid_from <= $as_of
),
roster_of as (
    select distinct district, school_year from span
),
-- the last span of a student at a school up to the period's end; `is_enrolled`: still there at that end
member as (
    select
        n.* exclude (school_year, valid_from, valid_to, span_id), m.period_id, m.is_enrolled
    from (
        select
            n.person_key, n.organization_id, p.period_id,
            max(((n.valid_from - date '1970-01-01')::bigint << 32) + n.span_id) & 4294967295 as span_id,
            bool_or(n.valid_to > p.as_of) as is_enrolled
        from span as n
        join period as p on p.school_year = n.school_year and n.valid_from <= p.as_of
        group by all
    ) as m
    join span as n on n.span_id = m.span_id
),
