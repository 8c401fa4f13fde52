-- Observation: one row per observation x indicator and period, from the year's start; `is_within`: in the period itself.
-- The row that is the first of its observation also carries the observation as a whole.
--
-- input: observation
-- unit: observation groups=grade
-- column: indicator text                   Indicator of the rubric, as it stands in names
-- column: rubric text
-- column: rubric_version text
-- column: subject text
-- column: rating integer
-- column: ratings integer                Of the whole observation: how many ratings
-- column: ratings_at_or_above_3 integer  And how many of them at 3 or above
-- column: is_within boolean                Observed in the period itself (a month)
-- column: is_first_of_observation boolean  One row per observation
-- column: is_first_of_classroom boolean    One row per classroom, its first of the year
with seen as (
    select
        s.organization_id, r.school_year, r.observed_on, r.observation_hash, r.classroom_hash, r.grade, r.subject, r.rubric,
        r.rubric_version, r.rating,
        slug(r.indicator) as indicator,
        row_number() over (
            partition by s.organization_id, r.school_year, r.observation_hash order by r.indicator, r.row_number
        ) = 1 as is_first_of_observation,
        count(r.rating) over whole as ratings,
        count(case when r.rating >= 3 then 1 end) over whole as ratings_at_or_above_3,
        r.classroom_hash is not null and row_number() over (
            partition by s.organization_id, r.school_year, r.classroom_hash
            order by r.observed_on, r.observation_hash, r.indicator, r.row_number
        ) = 1 as is_first_of_classroom
    from lake_observation as r
    join ref_organization as s on s.code = r.school and s.level = 'school'
    where r.observed_on <= $as_of
    window whole as (partition by s.organization_id, r.school_year, r.observation_hash)
),
facts_observation as (
    select s.* exclude (school_year), p.period_id, s.observed_on >= p.starts_on as is_within
    from seen as s
    join ref_period as p on p.school_year = s.school_year and p.kind in ('year', 'month', 'cycle')
        and p.starts_on <= $as_of and s.observed_on <= p.ends_on
)
