-- Survey: one row per response x topic (`response`), one per respondent and per eligible person (`respondent`), and one per
-- response that came (`received`). What policies/survey_responses.yaml calls careless is in the last alone.
--
-- A reverse-scored answer is turned; an answer off the scale is none. Year and cycle take the latest window with responses up to
-- their day, per district, survey and population. Groups: as the respondent gave them; for a response with a student's id, what it
-- lacks comes from the roster. Eligible: students enrolled (in the grades that answered), teachers and staff employed at the
-- period's end; of families nobody knows how many there are.
--
-- with: people
-- input: survey
-- input: roster
-- input: staff
-- unit: response groups=student
-- unit: respondent groups=student
-- unit: received groups=all
-- column: topic text                Topic of the item bank, as it stands in names
-- column: population text           student, teacher, staff or family
-- column: favorable integer         Items of the topic answered favourably
-- column: answered integer          Items of the topic answered
-- column: is_respondent boolean     Answered at least one item, at a school whose eligible number is known
-- column: is_eligible boolean       Could have answered; null = nobody knows how many could at the school
-- column: set_aside text             Reason why the response does not count; null = it does
given as (
    select
        r.response_hash, r.id_hash, s.organization_id, s.district, r.school_year, r.survey, r.population, r."window",
        coalesce(r.responded_on, w.ends_on, make_date(r.school_year, 6, 30)) as effective_on,
        r.grade, r.race_ethnicity, r.gender,
        slug(b.topic) as topic,
        r.item, r.value,
        case when b.reverse then b.scale_max + 1 - r.value else r.value end >= b.favorable_from as is_favorable,
        case r."window" when 'fall' then 1 when 'winter' then 2 when 'spring' then 3 when 'annual' then 4 end as window_rank
    from lake_survey as r
    join school as s on s.code = r.school
    join ref_survey_item as b on b.survey = r.survey and b.item = r.item
    left join window_end as w on w.school_year = r.school_year and w.window_code = r."window"
    where (r.responded_on is null or r.responded_on <= $as_of) and r.value between 1 and b.scale_max
),
asked_item as (
    -- by school: one may ask a short form of the survey
    select organization_id, school_year, survey, population, "window", grade, count(distinct item) as items
    from given
    group by all
),
judged as (
    select
        g.response_hash, g.survey,
        case
            when 100 * count(*) < $fewest_answered_percent * max(i.items) then 'too_few_answers'
            when count(*) >= $alike_from_items and min(g.value) = max(g.value) then 'straight_lining'
        end as set_aside
    from given as g
    join asked_item as i
        on i.organization_id = g.organization_id and i.school_year = g.school_year and i.survey = g.survey
        and i.population = g.population and i."window" = g."window" and i.grade is not distinct from g.grade
    group by g.response_hash, g.survey
),
topic_answer as (
    select
        response_hash, id_hash, organization_id, district, school_year, survey, population, "window", window_rank, topic,
        max(effective_on) as effective_on,
        max(grade) as grade, max(race_ethnicity) as race_ethnicity, max(gender) as gender,
        count_if(is_favorable)::bigint as favorable, count(*)::bigint as answered
    from given
    group by all
),
in_period as (
    select * exclude (newest)
    from (
        select
            a.*, j.set_aside, p.period_id,
            max(a.window_rank) over (partition by a.district, a.survey, a.population, p.period_id) as newest
        from topic_answer as a
        join judged as j on j.response_hash = a.response_hash and j.survey = a.survey
        join period as p on p.school_year = a.school_year and (
            (p.kind = 'window' and p.code = a.school_year || '-' || a."window")
            or p.kind = 'year'
            or (p.kind = 'cycle' and a.effective_on <= p.as_of)
        )
    )
    where window_rank = newest
),
response_topic as (
    select
        response_hash, id_hash, organization_id, district, period_id, population, topic, grade, race_ethnicity, gender,
        favorable, answered
    from in_period
    where set_aside is null
),
described as (
    select
        t.* exclude (id_hash, grade, race_ethnicity, gender),
        coalesce(t.grade, m.grade) as grade,
        coalesce(t.race_ethnicity, m.race_ethnicity) as race_ethnicity,
        coalesce(t.gender, m.gender) as gender,
        m.english_learner, m.el_or_former_el, m.disability, m.low_income, m.local_frl, m.high_needs
    from response_topic as t
    left join roster_person as k on k.id_hash = t.id_hash
    left join member as m
        on m.person_key = k.person_key and m.organization_id = t.organization_id and m.period_id = t.period_id
        and t.population = 'student'
),
asked as (
    select distinct district, period_id, population from response_topic
),
asked_grade as (
    select distinct district, period_id, grade from response_topic where population = 'student'
),
eligible as (
    select 'student' as population, m.* exclude (person_key, district, is_enrolled)
    from member as m
    where m.is_enrolled and exists (
        select 1 from asked_grade as g
        where g.district = m.district and g.period_id = m.period_id and (g.grade = m.grade or g.grade is null)
    )
    union all by name
    select distinct a.population, s.organization_id, p.period_id, r.id_hash as staff_hash
    from lake_staff as r
    join school as s on s.code = r.school
    join period as p on p.school_year = r.school_year
        and r.valid_from <= p.as_of and coalesce(r.valid_to, date '9999-01-01') > p.as_of
    join asked as a on a.district = s.district and a.period_id = p.period_id
    where a.population = 'staff' or (a.population = 'teacher' and r.role = 'teacher')
),
counted_school as (
    select distinct organization_id, period_id, population from eligible
),
facts_response as (
    select d.* exclude (response_hash, district), case when c.period_id is not null then false end as is_eligible
    from described as d
    left join counted_school as c
        on c.organization_id = d.organization_id and c.period_id = d.period_id and c.population = d.population
    union all by name
    select * exclude (staff_hash), true as is_eligible from eligible
),
facts_received as (
    select distinct organization_id, period_id, population, survey, response_hash, set_aside from in_period
),
identified as (
    select organization_id, period_id, population from response_topic group by all having bool_and(id_hash is not null)
),
replied as (
    select t.organization_id, t.period_id, t.population, min(t.id_hash) as id_hash
    from response_topic as t
    join counted_school as e
        on e.organization_id = t.organization_id and e.period_id = t.period_id and e.population = t.population
    group by t.organization_id, t.period_id, t.population, t.response_hash
),
-- groups of both sides from the roster, and only where every response names a student
facts_respondent as (
    select r.organization_id, r.period_id, r.population, true as is_respondent, false as is_eligible,
        m.grade, m.race_ethnicity, m.gender, m.english_learner, m.el_or_former_el, m.disability, m.low_income, m.local_frl,
        m.high_needs
    from replied as r
    left join identified as i
        on i.organization_id = r.organization_id and i.period_id = r.period_id and i.population = r.population
    left join roster_person as k on k.id_hash = r.id_hash and i.population = 'student'
    left join member as m
        on m.person_key = k.person_key and m.organization_id = r.organization_id and m.period_id = r.period_id
    union all by name
    select e.* exclude (staff_hash), false as is_respondent, true as is_eligible
    from eligible as e
    join identified as i
        on i.organization_id = e.organization_id and i.period_id = e.period_id and i.population = e.population
    union all by name
    select e.organization_id, e.period_id, e.population, false as is_respondent, true as is_eligible
    from eligible as e
    left join identified as i
        on i.organization_id = e.organization_id and i.period_id = e.period_id and i.population = e.population
    where i.period_id is null
)
