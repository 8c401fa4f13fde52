-- Assessment: one row per student x assessment x subject x period, at the school the result counts for; and one per
-- enrolled student without a result, where the grade is tested (what participation and coverage are measured by).
--
-- A school of which no result came is late, not absent from the test: its students are expected (coverage) and take no
-- part in participation. Tested are the grades that the district has results of; and, of a school that is late, those that
-- it had itself in an earlier window of the year: it may be the only one with them. A window that the registry narrows to
-- some schools is for these alone.
--
-- The one result of a window: the vendor's flag; where it has none, the latest test, then the highest score. A row that the
-- vendor flags as not the result never counts. Year and cycle take the latest window with tests up to their day, per
-- district, assessment and subject. Groups: as the record says, else as the roster does.
--
-- with: people
-- input: assessment
-- input: roster
-- unit: result groups=student
-- column: assessment text           Code of the assessment, as in the contract
-- column: subject text              ELA, MATH, SCI, ...
-- column: grade text                Grade when tested, else the roster's
-- column: scale_score_x100 integer  In hundredths
-- column: level text                Achievement level code
-- column: is_scored boolean         The level is a level, not a reason for having none
-- column: is_meeting boolean        The level meets expectations
-- column: is_on_grade_level boolean
-- column: percentile integer
-- column: sgp integer               Growth percentile; null = not in it
-- column: met_growth boolean        Null = no growth measured
-- column: has_result boolean        A result is there
-- column: tested boolean            The record says that the test was taken
-- column: expected boolean          The record says that it should have been
-- column: is_expected boolean       Enrolled at the period's end, in a grade that is tested; null = no roster
-- column: is_awaited boolean        No result of the student's school has come
test_row as (
    select
        coalesce(i.student_key, own_key(r.id_hash)) as person_key,
        r.* exclude (id_hash),
        coalesce(r.tested_on, w.ends_on, make_date(r.school_year, 6, 30)) as effective_on,
        case r."window" when 'fall' then 1 when 'winter' then 2 when 'spring' then 3 when 'annual' then 4 end as window_rank
    from lake_assessment as r
    left join identity as i on i.id_hash = r.id_hash
    left join window_end as w on w.school_year = r.school_year and w.window_code = r."window"
    where (r.tested_on is null or r.tested_on <= $as_of) and r.is_result is distinct from false
),
-- a row that names no school counts where the student was enrolled on the day of the test
home_school as (
    select t.person_key, t.effective_on, max_by(n.organization_id, n.span_id) as organization_id
    from (select distinct person_key, effective_on from test_row where school is null) as t
    join span as n
        on n.person_key = t.person_key and n.valid_from <= t.effective_on and n.valid_to > t.effective_on
    group by all
),
placed as (
    select t.*, coalesce(s.organization_id, h.organization_id) as organization_id
    from test_row as t
    left join school as s on s.code = t.school
    left join home_school as h
        on t.school is null and h.person_key = t.person_key and h.effective_on = t.effective_on
    where s.organization_id is not null or h.organization_id is not null
),
in_period as (
    select * exclude (newest)
    from (
        select
            t.*, p.period_id,
            max(t.window_rank) over (partition by t.district, t.assessment, t.subject, p.period_id) as newest
        from placed as t
        join period as p on p.school_year = t.school_year and (
            (p.kind = 'window' and p.code = t.school_year || '-' || t."window")
            or p.kind = 'year'
            or (p.kind = 'cycle' and t.effective_on <= p.as_of)
        )
    )
    where window_rank = newest
),
chosen as (
    select * exclude (place)
    from (
        select
            *,
            row_number() over (
                partition by person_key, assessment, subject, period_id
                order by
                    coalesce(is_result, false) desc, tested_on desc nulls last, scale_score_x100 desc nulls last,
                    part_id, row_number
            ) as place
        from in_period
    )
    where place = 1
),
came as (
    select distinct organization_id, assessment, subject, period_id from chosen
),
-- schools with results of an earlier window, and none of the one that their district is at
silent as (
    select distinct t.organization_id, t.assessment, t.subject, l.period_id, l.school_year, l.window_rank
    from (
        select distinct organization_id, district, school_year, assessment, subject, window_rank from placed
    ) as t
    join (select distinct district, school_year, assessment, subject, period_id, window_rank from chosen) as l
        on l.district = t.district and l.school_year = t.school_year and l.assessment = t.assessment
        and l.subject = t.subject and l.window_rank > t.window_rank
    anti join came as c
        on c.organization_id = t.organization_id and c.assessment = t.assessment and c.subject = t.subject
        and c.period_id = l.period_id
),
tested_grade as (
    select distinct s.organization_id, c.assessment, c.subject, c.period_id, coalesce(c.grade, m.grade) as grade
    from chosen as c
    left join member as m
        on m.person_key = c.person_key and m.organization_id = c.organization_id and m.period_id = c.period_id
    join school as s on s.district = c.district
    left join (select distinct district, school_year, window_code from ref_window_school) as n
        on n.district = c.district and n.school_year = c.school_year and n.window_code = c."window"
    left join ref_window_school as w
        on w.district = c.district and w.school_year = c.school_year and w.window_code = c."window"
        and w.school = s.code
    where n.district is null or w.school is not null
    union
    select q.organization_id, q.assessment, q.subject, q.period_id, coalesce(t.grade, m.grade) as grade
    from silent as q
    join placed as t
        on t.organization_id = q.organization_id and t.school_year = q.school_year and t.assessment = q.assessment
        and t.subject = q.subject and t.window_rank < q.window_rank
    join member as m
        on m.person_key = t.person_key and m.organization_id = t.organization_id and m.period_id = q.period_id
),
without_result as (
    select
        m.* exclude (is_enrolled), g.assessment, g.subject, false as has_result, true as is_expected,
        s.organization_id is null as is_awaited
    from member as m
    join tested_grade as g
        on g.organization_id = m.organization_id and g.period_id = m.period_id and g.grade = m.grade
    left join came as s
        on s.organization_id = m.organization_id and s.assessment = g.assessment
        and s.subject = g.subject and s.period_id = m.period_id
    left join (select distinct person_key, assessment, subject, period_id from chosen) as c
        on c.person_key = m.person_key and c.assessment = g.assessment
        and c.subject = g.subject and c.period_id = m.period_id
    where m.is_enrolled and c.person_key is null
),
facts_result as (
    select
        c.organization_id, c.period_id, c.assessment, c.subject, c.scale_score_x100, c.level, c.percentile, c.sgp,
        c.met_growth, c.tested, c.expected, l.is_scored, l.is_meeting, l.is_on_grade_level,
        true as has_result, false as is_awaited,
        case
            when m.is_enrolled then true
            when f.district is not null then false
        end as is_expected,
        coalesce(c.grade, m.grade) as grade,
        coalesce(c.race_ethnicity, m.race_ethnicity) as race_ethnicity,
        coalesce(c.gender, m.gender) as gender,
        coalesce(c.english_learner, m.english_learner) as english_learner,
        coalesce(c.english_learner or c.former_el, m.el_or_former_el) as el_or_former_el,
        coalesce(c.disability, m.disability) as disability,
        coalesce(c.low_income, m.low_income) as low_income,
        m.local_frl,
        coalesce(
            c.high_needs,
            case
                when c.disability is not null and c.english_learner is not null and c.low_income is not null
                then c.disability or c.english_learner or c.former_el or c.low_income
            end,
            m.high_needs
        ) as high_needs
    from chosen as c
    left join member as m
        on m.person_key = c.person_key and m.organization_id = c.organization_id and m.period_id = c.period_id
    left join ref_level as l
        on l.assessment = c.assessment and l.level = c.level
        and c.school_year between coalesce(l.from_year, 0) and coalesce(l.to_year, 9999)
    left join roster_of as f on f.district = c.district and f.school_year = c.school_year
    union all by name
    select * exclude (person_key, district) from without_result
)
