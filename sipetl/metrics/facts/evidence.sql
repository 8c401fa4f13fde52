-- Evidence of adult practice: one row per entry (`entry`); one per staff member x kind of evidence (`staff`), in periods in
-- which the district's log has entries: then a school without any is zero, else it is no value. A kind of evidence that
-- is never about a staff member makes no share of staff.
--
-- input: evidence
-- input: staff
-- unit: entry groups=all
-- unit: staff groups=all
-- column: evidence text          Kind of evidence, as it stands in names
-- column: artifact text          document, observation, survey or interview
-- column: satisfied boolean      It shows what the benchmark asks for; null = the source does not say
-- column: is_within boolean      In the period itself (a month); unit staff: always
-- column: role text              teacher, leader, support or other
-- column: has_satisfied boolean  Unit staff: satisfied evidence in the period
with shown as (
    select
        s.organization_id, r.school_year, r.evidence_on, r.staff_hash, r.artifact, r.satisfied,
        slug(r.evidence) as evidence
    from lake_evidence as r
    join ref_organization as s on s.code = r.school and s.level = 'school'
    where r.evidence_on <= $as_of
),
facts_entry as (
    select h.* exclude (school_year, staff_hash), p.period_id, h.evidence_on >= p.starts_on as is_within
    from shown as h
    join ref_period as p on p.school_year = h.school_year and p.kind in ('year', 'month', 'cycle')
        and p.starts_on <= $as_of and h.evidence_on <= p.ends_on
),
employed as (
    select s.organization_id, p.period_id, r.school_year, r.id_hash as staff_hash, min(r.role) as role
    from lake_staff as r
    join ref_organization as s on s.code = r.school and s.level = 'school'
    join ref_period as p on p.school_year = r.school_year and p.kind in ('year', 'month', 'cycle')
        and p.starts_on <= $as_of and r.valid_from <= least(p.ends_on, $as_of)
        and coalesce(r.valid_to, date '9999-01-01') > least(p.ends_on, $as_of)
    group by all
),
-- the log is the district's: where it has entries in the period, a school of its without any has zero
district_entry as (
    select distinct s.district_id, e.period_id
    from facts_entry as e
    join ref_organization as s on s.organization_id = e.organization_id
    where e.is_within
),
kind as (
    select distinct s.district_id, e.evidence
    from shown as e
    join ref_organization as s on s.organization_id = e.organization_id
    where e.staff_hash is not null
),
facts_staff as (
    select
        e.organization_id, e.period_id, e.role, k.evidence, true as is_within,
        coalesce(bool_or(h.satisfied), false) as has_satisfied
    from employed as e
    join ref_organization as s on s.organization_id = e.organization_id
    join district_entry as d on d.district_id = s.district_id and d.period_id = e.period_id
    join ref_period as p on p.period_id = e.period_id
    join kind as k on k.district_id = s.district_id
    left join shown as h
        on h.organization_id = e.organization_id and h.staff_hash = e.staff_hash and h.evidence = k.evidence
        and h.school_year = e.school_year and h.evidence_on between p.starts_on and p.ends_on
    group by e.organization_id, e.period_id, e.role, e.staff_hash, k.evidence
)
