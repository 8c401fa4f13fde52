-- Published results are taken over as they are: one row per organization x figure x group x period.
--
-- A figure with counts keeps them. One without is kept in millionths of its value over a hundred millions, so that
-- value = 100 x numerator / denominator gives back the published figure. Of a period, `annual` and `end_of_year` are the
-- year; `fall`, `winter`, `spring` are windows; another home's release names months, windows and cycles by their codes; others
-- (a March count, to date) have no period of their own and are left out.
-- A grade's row counts as the group of that grade where it is of all students; a span of grades is left out.
--
-- Of a region or the state that has no row of its own, the rows of its districts are added, where they have counts: never a
-- total with its parts. Such a sum says in schools what it covers: n of expected_n; a district's row covers those of its
-- schools that came with it, hidden or not, or all of them where districts alone are published. A hidden cell is in no sum.
--
-- input: published_results
-- unit: published groups=own as_is
-- column: figure text                   Name of the published figure, with its subject, as it stands in names
-- column: published_numerator integer
-- column: published_denominator integer
-- column: published_n integer           Students behind it; 1 where it is not published; of a sum, schools it covers
-- column: published_expected integer    Of a sum, schools there are; else 0, which is unknown
with given as (
    select
        o.organization_id, o.level, o.district_id, p.period_id,
        slug(concat_ws('_', r.metric, nullif(r.subject, ''))) as figure,
        case
            when coalesce(nullif(lower(r.grade), ''), 'all') = 'all' then coalesce(nullif(r.student_group, ''), 'all')
            when coalesce(nullif(r.student_group, ''), 'all') <> 'all' then null
            else grade_group(r.grade)
        end as student_group,
        r.numerator is not null and r.denominator > 0 as has_counts,
        r.suppressed is null and (r.value is not null or (r.numerator is not null and r.denominator > 0)) as is_shown,
        r.numerator, r.denominator, r.value, r.part_id, r.row_number
    from lake_published_results as r
    join ref_organization as o on o.code = r.organization and o.level = r.level
    join ref_period as p on p.school_year = r.school_year and (
        (p.kind = 'year' and coalesce(nullif(r.period, ''), 'annual') in ('annual', 'end_of_year'))
        or (p.kind = 'window' and p.code = r.school_year || '-' || r.period and r.period <> 'annual')
        or p.code = r.period
    )
),
published as (
    select
        organization_id, period_id, figure, student_group, level, has_counts,
        case when has_counts then numerator else (value * 1000000)::bigint end as published_numerator,
        case when has_counts then denominator else 100000000 end as published_denominator,
        coalesce(nullif(denominator, 0), 1) as published_n
    from (
        select
            *,
            row_number() over (
                partition by organization_id, period_id, figure, student_group order by part_id, row_number
            ) as place
        from given
        where student_group is not null and is_shown
    )
    where place = 1
),
district_schools as (
    select district_id, region_id, state_id, count(*) as schools
    from ref_organization
    where level = 'school'
    group by district_id, region_id, state_id
),
came as (
    select district_id, period_id, figure, count(distinct organization_id) as schools
    from given
    where level = 'school'
    group by district_id, period_id, figure
),
above as (
    select region_id as above_id, sum(schools) as schools from district_schools where region_id is not null group by region_id
    union all
    select state_id, sum(schools) from district_schools where state_id is not null group by state_id
),
part as (
    select p.*, unnest([d.region_id, d.state_id]) as above_id, coalesce(c.schools, d.schools) as schools
    from published as p
    join district_schools as d on d.district_id = p.organization_id
    left join came as c on c.district_id = p.organization_id and c.period_id = p.period_id and c.figure = p.figure
    where p.level = 'district' and p.has_counts
),
added as (
    select
        part.above_id as organization_id, part.period_id, part.figure, part.student_group,
        sum(part.published_numerator)::bigint as published_numerator,
        sum(part.published_denominator)::bigint as published_denominator,
        sum(part.schools)::bigint as published_n, max(above.schools)::bigint as published_expected
    from part
    join above on above.above_id = part.above_id
    anti join published as own
        on own.organization_id = part.above_id and own.period_id = part.period_id
        and own.figure = part.figure and own.student_group = part.student_group
    group by part.above_id, part.period_id, part.figure, part.student_group
),
facts_published as (
    select
        organization_id, period_id, figure, student_group, published_numerator, published_denominator, published_n,
        0::bigint as published_expected
    from published
    union all by name
    select * from added
)
