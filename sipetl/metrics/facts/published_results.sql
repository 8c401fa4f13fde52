-- Published results are taken over as they are, never summed: one row per organization x figure x group x period.
--
-- A figure with counts keeps them. One without is kept in millionths of its value over a hundred millions, so that
-- value = 100 x numerator / denominator gives back the published figure. Of a period, `annual` and `end_of_year` are the
-- year; `fall`, `winter`, `spring` are windows; others (a March count, to date) have no period of their own and are left out.
-- A grade's row counts as the group of that grade where it is of all students; a span of grades is left out.
--
-- input: published_results
-- unit: published groups=own as_is
-- column: figure text                   Name of the published figure, with its subject, as it stands in names
-- column: published_numerator integer
-- column: published_denominator integer
-- column: published_n integer           Students behind it; 1 where it is not published
with given as (
    select
        o.organization_id, p.period_id,
        slug(concat_ws('_', r.metric, nullif(r.subject, ''))) as figure,
        case
            when coalesce(nullif(lower(r.grade), ''), 'all') = 'all' then coalesce(nullif(r.student_group, ''), 'all')
            when coalesce(nullif(r.student_group, ''), 'all') <> 'all' then null
            else grade_group(r.grade)
        end as student_group,
        r.numerator is not null and r.denominator > 0 as has_counts,
        r.numerator, r.denominator, r.value, r.part_id, r.row_number
    from scoped_published_results as r
    join ref_organization as o on o.code = r.organization and o.level = r.level
    join ref_period as p on p.school_year = r.school_year and (
        (p.kind = 'year' and coalesce(nullif(r.period, ''), 'annual') in ('annual', 'end_of_year'))
        or (p.kind = 'window' and p.code = r.school_year || '-' || r.period and r.period <> 'annual')
    )
    where r.suppressed is null and (r.value is not null or (r.numerator is not null and r.denominator > 0))
),
facts_published as (
    select
        organization_id, period_id, figure, student_group,
        case when has_counts then numerator else (value * 1000000)::bigint end as published_numerator,
        case when has_counts then denominator else 100000000 end as published_denominator,
        coalesce(nullif(denominator, 0), 1) as published_n
    from given
    where student_group is not null
    qualify row_number() over (
        partition by organization_id, period_id, figure, student_group order by part_id, row_number
    ) = 1
)
