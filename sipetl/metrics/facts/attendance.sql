-- Attendance: one row per person x school x period, and per student x higher organization x period.
--
-- A month of a person at a school is three bit masks (enrolled, absent, absent without excuse), bit 0 = day 1: a day
-- counts once however often it is named, and calendar, enrolment and cut-off are intersections of masks.
-- Rules: policies/attendance_ma.yaml; their truth table: tests/truth/test_attendance_rules.py.
--
-- input: attendance
-- input: roster
-- input: staff
-- unit: student_school groups=student
-- unit: staff groups=all
-- unit: student groups=student levels
-- column: days_enrolled_x100 integer          Days in membership from the year's start to the cut-off, in hundredths
-- column: days_absent_x100 integer            Of these, days absent (less than half of the day present)
-- column: days_unexcused_x100 integer         Of these, days known to be unexcused; null = the source does not say
-- column: period_days_enrolled_x100 integer   The same within the period itself (a month); null for cumulative sources
-- column: period_days_absent_x100 integer
-- column: is_expected boolean                 Was enrolled (employed) there; null = the district has no roster
-- column: days_due_x100 integer               School days enrolled up to the period's end, submitted or not; null = no calendar
-- column: period_days_due_x100 integer        The same within the period itself
with school as (
    select organization_id, code, district, district_id, region_id, state_id, calendar
    from ref_organization
    where level = 'school'
),
period as (
    select period_id, school_year, kind, starts_on, ends_on, least(ends_on, $as_of) as as_of
    from ref_period
    where kind in ('year', 'month', 'cycle') and starts_on <= $as_of
),
-- what the rows say, by month ---------------------------------------------------------------------------------------
row_state as (
    select
        population, id_hash, school, school_year, grain, attendance_date, excused,
        1::bigint << (day(attendance_date) - 1) as bit,
        coalesce(portion_absent_x100 > $absent_above_x100, not present, case when tardy then false end) as absent
    from lake_attendance
    where grain in ('event', 'day') and attendance_date <= $as_of
),
row_month as materialized (
    select
        population, id_hash, school, school_year, grain,
        (year(attendance_date) * 12 + month(attendance_date))::integer as month_number,
        bit_or(case when absent then bit else 0 end) as absent,
        bit_or(case when absent then 0 when absent is null then 0 else bit end) as present,
        bit_or(case when absent and not excused then bit else 0 end) as unexcused,
        max(attendance_date) as last_on
    from row_state
    group by all
),
-- people ------------------------------------------------------------------------------------------------------------
cumulative_row as (
    select
        population, id_hash, school, school_year, attendance_date, days_member_x100, days_absent_x100, part_id, row_number
    from lake_attendance
    where grain = 'cumulative' and attendance_date <= $as_of and days_member_x100 is not null
),
section_row as materialized (
    select
        population, id_hash, school, school_year, attendance_date, unit, excused,
        coalesce(portion_absent_x100 > $absent_above_x100, not present, case when tardy then false end) as absent
    from lake_attendance
    where grain = 'section' and attendance_date <= $as_of
),
known_id as (
    select distinct id_hash from row_month
    union
    select distinct id_hash from section_row
    union
    select distinct id_hash from cumulative_row
    union
    select distinct id_hash from lake_roster
    union
    select distinct id_hash from lake_staff
),
person as materialized (
    select
        k.id_hash,
        coalesce(i.student_key, own_key(k.id_hash)) as person_key
    from known_id as k
    left join identity as i on i.id_hash = k.id_hash
),
-- who was enrolled where ----------------------------------------------------------------------------------------------
span_row as (
    select
        'student' as population, id_hash, school, school_year, district, valid_from, valid_to, part_id, row_number,
        grade, race_ethnicity, gender, english_learner, former_el, disability, low_income, local_frl, high_needs
    from lake_roster
    union all by name
    select 'staff' as population, id_hash, school, school_year, district, valid_from, valid_to, part_id, row_number
    from lake_staff
),
span as materialized (
    select
        r.* exclude (id_hash, school, district, valid_to, high_needs),
        high_needs_of(
            r.high_needs, r.disability, r.english_learner, r.former_el, r.low_income, s.district, r.school_year
        ) as high_needs,
        p.person_key, s.organization_id, s.district, s.calendar,
        coalesce(r.valid_to, date '9999-01-01') as valid_to,
        row_number() over (order by r.valid_from, r.part_id, r.row_number, r.population) as span_id
    from span_row as r
    join school as s on s.code = r.school
    join person as p on p.id_hash = r.id_hash
    where r.valid_from <= $as_of
),
roster_of as (
    select distinct population, district, school_year from span
),
on_roster as (
    select distinct population, district, school_year, person_key from span
),
calendar_month as materialized (
    select
        calendar,
        (year(day) * 12 + month(day))::integer as month_number,
        (year(day) + (month(day) >= 7)::integer)::integer as school_year,
        date_trunc('month', min(day))::date as month_start,
        bit_or(case when kind in ('instructional', 'early_release') and day <= $as_of
            then 1::bigint << (day(day) - 1) else 0 end) as days
    from ref_school_day
    group by all
),
span_month as materialized (
    select
        n.population, n.person_key, n.organization_id, n.school_year, c.month_number,
        bit_or(c.days
            & ((1::bigint << (case when n.valid_to < c.month_start + interval 1 month
                then day(n.valid_to) - 1 else 31 end)) - 1)
            & ~((1::bigint << (case when n.valid_from > c.month_start then day(n.valid_from) - 1 else 0 end)) - 1)
        ) as enrolled
    from span as n
    join calendar_month as c on c.calendar = n.calendar and c.school_year = n.school_year
    where n.valid_from < c.month_start + interval 1 month and n.valid_to > c.month_start
    group by all
),
-- an event extract speaks for a school up to the last day that school submitted. Rows of people whom a roster does not
-- know say nothing: under ids of another system, a school of absences would read as one where nobody was absent --------
declared as (
    select r.population, r.school, r.school_year, max(d.declared_to) as declared_to
    from (
        -- not from row_state: read twice, it would be kept in memory, nine million rows of it
        select distinct population, school, school_year, part_id from lake_attendance where grain = 'event'
    ) as r
    join declared_scope as d on d.part_id = r.part_id
    group by all
),
submitted as (
    select
        r.population, s.organization_id, r.school_year,
        least(greatest(max(r.last_on), max(d.declared_to)), $as_of) as submitted_to
    from row_month as r
    join school as s on s.code = r.school
    join person as p on p.id_hash = r.id_hash
    left join roster_of as l
        on l.population = r.population and l.district = s.district and l.school_year = r.school_year
    left join on_roster as o
        on o.population = r.population and o.district = s.district and o.school_year = r.school_year
        and o.person_key = p.person_key
    left join declared as d
        on d.population = r.population and d.school = r.school and d.school_year = r.school_year
    where r.grain = 'event' and (l.district is null or o.person_key is not null)
    group by all
),
-- sections of a day: absent when more than the policy's share of them was missed -----------------------------------------
section_unit as (
    select
        r.population, p.person_key, r.school, r.school_year, r.attendance_date, r.unit,
        bool_and(r.absent) as absent, bool_and(not r.excused) as unexcused
    from section_row as r
    join person as p on p.id_hash = r.id_hash
    where r.absent is not null
    group by all
),
section_day as (
    select
        population, person_key, school, school_year, attendance_date,
        100 * count_if(absent) > $absent_above_x100 * count(*) as absent,
        coalesce(bool_and(unexcused) filter (where absent) and count_if(absent and unexcused is null) = 0, false)
            as unexcused
    from section_unit
    group by all
),
-- enrolment and rows joined: one row per person x school x month ----------------------------------------------------------
said_month as (
    select
        r.population, p.person_key, s.organization_id, r.school_year, r.month_number, r.grain = 'day' as by_day,
        r.absent, r.present, r.unexcused
    from row_month as r
    join person as p on p.id_hash = r.id_hash
    join school as s on s.code = r.school
    union all
    select
        d.population, d.person_key, s.organization_id, d.school_year,
        (year(d.attendance_date) * 12 + month(d.attendance_date))::integer, true,
        bit_or(case when d.absent then 1::bigint << (day(d.attendance_date) - 1) else 0 end),
        bit_or(case when d.absent then 0 else 1::bigint << (day(d.attendance_date) - 1) end),
        bit_or(case when d.absent and d.unexcused then 1::bigint << (day(d.attendance_date) - 1) else 0 end)
    from section_day as d
    join school as s on s.code = d.school
    group by d.population, d.person_key, s.organization_id, d.school_year, 5
),
both_month as (
    select
        population, person_key, organization_id, school_year, month_number,
        0::bigint as enrolled,
        case when by_day then absent | present else 0 end as marked,
        case when by_day then 0 else absent end as event_absent,
        case when by_day then absent else 0 end as day_absent,
        present, unexcused
    from said_month
    union all
    select population, person_key, organization_id, school_year, month_number, enrolled, 0, 0, 0, 0, 0
    from span_month
),
joined_month as (
    select
        population, person_key, organization_id, school_year, month_number,
        bit_or(enrolled) as enrolled, bit_or(marked) as marked,
        (bit_or(event_absent) | bit_or(day_absent)) & ~bit_or(present) as absent, bit_or(unexcused) as unexcused
    from both_month
    group by all
),
member_month as (
    select
        j.population, j.person_key, j.organization_id, j.school_year, j.month_number, j.absent, j.unexcused,
        -- days marked one by one count on school days, and within the enrolment where the roster knows the person
        (j.marked
            & case when o.person_key is null then -1 else j.enrolled end
            & case when has.calendar is null then -1 else coalesce(c.days, 0) end)
        | case
            when b.submitted_to is null or j.month_number > year(b.submitted_to) * 12 + month(b.submitted_to) then 0
            when j.month_number = year(b.submitted_to) * 12 + month(b.submitted_to)
                then j.enrolled & ((1::bigint << day(b.submitted_to)) - 1)
            else j.enrolled
        end as enrolled,
        j.enrolled as due
    from joined_month as j
    join school as s on s.organization_id = j.organization_id
    left join (select distinct calendar from calendar_month) as has on has.calendar = s.calendar
    left join calendar_month as c on c.calendar = s.calendar and c.month_number = j.month_number
    left join on_roster as o
        on o.population = j.population and o.district = s.district
        and o.school_year = j.school_year and o.person_key = j.person_key
    left join submitted as b
        on b.population = j.population and b.organization_id = j.organization_id and b.school_year = j.school_year
),
student_month as materialized (
    select
        population, person_key, organization_id, school_year, month_number,
        enrolled, absent & enrolled as absent, unexcused & absent & enrolled as unexcused, due
    from member_month
    where enrolled <> 0 or due <> 0
),
-- places: the school, and a higher organization for those who were at several of its schools ------------------------------
place as (
    select
        organization_id as school_id,
        case level_name when 'district' then 1 when 'region' then 2 else 3 end as height,
        case level_name when 'district' then district_id when 'region' then region_id else state_id end as place_id
    from school, unnest($levels) as l (level_name)
    where level_name <> 'school'
),
student_place as (
    select m.person_key, m.organization_id, m.school_year, l.height, l.place_id
    from (
        select person_key, organization_id, school_year from student_month where population = 'student'
        union
        select person_key, organization_id, school_year from span where population = 'student'
    ) as m
    join place as l on l.school_id = m.organization_id and l.place_id is not null
),
several as materialized (
    select person_key, place_id, school_year from student_place group by all having count(*) > 1
),
-- of those, how far up each of their schools is the only one
shared as (
    select p.person_key, p.organization_id, p.school_year, min(p.height) - 1 as alone_to
    from student_place as p
    join several as e
        on e.person_key = p.person_key and e.place_id = p.place_id and e.school_year = p.school_year
    group by p.person_key, p.organization_id, p.school_year
),
placed_month as (
    select population, person_key, organization_id, school_year, month_number, enrolled, absent, unexcused, due
    from student_month
    union all
    -- on a day enrolled at two schools, present at one of them is present
    select
        'student', m.person_key, l.place_id, m.school_year, m.month_number,
        bit_or(m.enrolled), bit_or(m.absent) & ~bit_or(m.enrolled & ~m.absent), bit_or(m.unexcused), bit_or(m.due)
    from student_month as m
    join place as l on l.school_id = m.organization_id
    join several as e
        on e.person_key = m.person_key and e.place_id = l.place_id and e.school_year = m.school_year
    where m.population = 'student'
    group by m.person_key, l.place_id, m.school_year, m.month_number
),
-- months added up to each period --------------------------------------------------------------------------------------------
period_month as (
    select
        p.period_id, p.school_year, m.month_number,
        case when m.month_number = year(p.as_of) * 12 + month(p.as_of)
            then (1::bigint << day(p.as_of)) - 1 else -1 end as mask,
        p.kind <> 'month' or m.month_number = year(p.starts_on) * 12 + month(p.starts_on) as is_own
    from period as p
    join (select distinct school_year, month_number from student_month) as m on m.school_year = p.school_year
    where m.month_number <= year(p.as_of) * 12 + month(p.as_of)
),
-- days of a period side by side in one number, 16 bits each: enrolled, absent, unexcused, due; and the last span, so that
-- months and roster are grouped once
counted as (
    select
        population, person_key, organization_id, period_id,
        sum(days)::bigint as days, sum(period_days)::bigint as period_days, max(latest) as latest
    from (
        select
            population, person_key, organization_id, period_id,
            days, case when is_own then days else 0 end as period_days, null::bigint as latest
        from (
            select
                m.population, m.person_key, m.organization_id, p.period_id, p.is_own,
                bit_count(m.enrolled & p.mask)::bigint
                + (bit_count(m.absent & p.mask)::bigint << 16)
                + (bit_count(m.unexcused & m.absent & p.mask)::bigint << 32)
                + (bit_count(m.due & p.mask)::bigint << 48) as days
            from placed_month as m
            join period_month as p on p.school_year = m.school_year and p.month_number = m.month_number
        )
        union all
        -- groups come from the roster at the period's end; for who left before, from the last span there
        select
            n.population, n.person_key, n.organization_id, p.period_id, 0, 0,
            ((n.valid_from - date '1970-01-01')::bigint << 32) + n.span_id
        from span as n
        join period as p on p.school_year = n.school_year and n.valid_from <= p.as_of
    )
    group by all
),
-- a source that only sends running totals: the latest one, where no days are known --------------------------------------------
running as (
    select
        r.population, p.person_key, s.organization_id, q.period_id,
        max_by(
            {'member': r.days_member_x100, 'absent': r.days_absent_x100}, (r.attendance_date, r.row_number, r.part_id)
        ) as latest
    from cumulative_row as r
    join person as p on p.id_hash = r.id_hash
    join school as s on s.code = r.school
    join period as q on q.school_year = r.school_year and r.attendance_date <= q.as_of
    left join (
        select distinct population, person_key, organization_id, school_year from student_month where enrolled <> 0
    ) as m
        on m.population = r.population and m.person_key = p.person_key
        and m.organization_id = s.organization_id and m.school_year = r.school_year
    where m.person_key is null
    group by all
),
total as materialized (
    select
        coalesce(c.population, r.population) as population, coalesce(c.person_key, r.person_key) as person_key,
        coalesce(c.organization_id, r.organization_id) as organization_id, coalesce(c.period_id, r.period_id) as period_id,
        coalesce(r.latest.member, nullif(100 * c.enrolled, 0)) as days_enrolled_x100,
        coalesce(r.latest.absent, case when c.enrolled > 0 then 100 * ((c.days >> 16) & 65535) end) as days_absent_x100,
        case when c.enrolled > 0 then 100 * ((c.days >> 32) & 65535) end as days_unexcused_x100,
        case when c.enrolled > 0 then 100 * (c.period_days & 65535) end as period_days_enrolled_x100,
        case when c.enrolled > 0 then 100 * ((c.period_days >> 16) & 65535) end as period_days_absent_x100,
        100 * (c.days >> 48) as days_due_x100, 100 * (c.period_days >> 48) as period_days_due_x100,
        c.latest
    from (select *, days & 65535 as enrolled from counted) as c
    full join running as r
        on r.population = c.population and r.person_key = c.person_key
        and r.organization_id = c.organization_id and r.period_id = c.period_id
    where c.enrolled > 0 or c.days >> 48 > 0 or r.person_key is not null or c.latest is not null
),
facts as materialized (
    select
        t.* exclude (days_due_x100, period_days_due_x100),
        case when c.calendar is not null then coalesce(t.days_due_x100, 0) end as days_due_x100,
        case when c.calendar is not null then coalesce(t.period_days_due_x100, 0) end as period_days_due_x100,
        p.school_year,
        case when t.latest is not null then true when f.district is not null then false end as is_expected
    from total as t
    join school as s on s.organization_id = t.organization_id
    left join (select period_id, school_year from period) as p on p.period_id = t.period_id
    left join roster_of as f
        on f.population = t.population and f.district = s.district and f.school_year = p.school_year
    left join (select distinct calendar, school_year from calendar_month) as c
        on c.calendar = s.calendar and c.school_year = p.school_year
),
facts_student_school as materialized (
    select
        f.* exclude (population),
        n.grade, n.race_ethnicity, n.gender, n.english_learner,
        n.english_learner or n.former_el as el_or_former_el,
        n.disability, n.low_income, n.local_frl, n.high_needs
    from facts as f
    left join span as n on n.span_id = (f.latest & 4294967295)
    where f.population = 'student'
),
facts_staff as (
    select * exclude (population, latest, school_year) from facts where population = 'staff'
),
-- of students who were at several schools of a higher organization: the union of the schools' days
joined_student as (
    select
        f.person_key, l.place_id as organization_id, f.period_id,
        coalesce(max(t.days_enrolled_x100), sum(f.days_enrolled_x100))::bigint as days_enrolled_x100,
        coalesce(max(t.days_absent_x100), sum(f.days_absent_x100))::bigint as days_absent_x100,
        coalesce(max(t.days_unexcused_x100), sum(f.days_unexcused_x100))::bigint as days_unexcused_x100,
        max(t.period_days_enrolled_x100) as period_days_enrolled_x100,
        max(t.period_days_absent_x100) as period_days_absent_x100,
        coalesce(max(t.days_due_x100), sum(f.days_due_x100))::bigint as days_due_x100,
        coalesce(max(t.period_days_due_x100), sum(f.period_days_due_x100))::bigint as period_days_due_x100,
        bool_or(f.is_expected) as is_expected,
        max(f.latest) as latest
    from facts_student_school as f
    join place as l on l.school_id = f.organization_id
    join several as e
        on e.person_key = f.person_key and e.place_id = l.place_id and e.school_year = f.school_year
    left join total as t
        on t.person_key = f.person_key and t.organization_id = l.place_id and t.period_id = f.period_id
        and t.population = 'student'
    group by f.person_key, l.place_id, f.period_id
),
-- each student once per organization: the school's row, which counts above it as far as no other school of the student is
-- there, and from there on the union
facts_student as (
    select f.* exclude (latest, school_year), coalesce(e.alone_to, 3) as alone_to
    from facts_student_school as f
    left join shared as e
        on e.person_key = f.person_key and e.organization_id = f.organization_id and e.school_year = f.school_year
    union all by name
    select
        j.* exclude (latest), 0 as alone_to,
        n.grade, n.race_ethnicity, n.gender, n.english_learner, n.english_learner or n.former_el as el_or_former_el,
        n.disability, n.low_income, n.local_frl, n.high_needs
    from joined_student as j
    left join span as n on n.span_id = (j.latest & 4294967295)
)
