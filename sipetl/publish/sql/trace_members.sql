with recursive reached as (
    select member
    from ops.input_member
    where input_id = :input_id
    union
    select m.member
    from reached as r
    join ops.input_member as m
        on m.input_id = case when starts_with(r.member, 'input:') then substr(r.member, 7)::uuid end
)
select
    p.part_id,
    p.delivery_id,
    p.member,
    p.feed,
    p.district,
    p.school_year,
    p.layout,
    p.layout_version,
    p.scope_kind,
    p.scope_from,
    p.scope_to,
    p.rows_good,
    p.rows_quarantined,
    p.status,
    p.published_at,
    p.embargo_until,
    p.delta_version,
    n.part_id as replaced_by,
    d.sender,
    d.file_name,
    d.source_path,
    d.sha256,
    d.received_at,
    d.landed_path,
    d.status as delivery_status
from reached as r
join ops.delivery_part as p
    on p.part_id = case when starts_with(r.member, 'part:') then substr(r.member, 6)::uuid end
join ops.delivery as d on d.delivery_id = p.delivery_id
left join lateral (
    select part_id from ops.delivery_part where supersedes = p.part_id order by part_id limit 1
) as n on true
order by d.received_at, d.delivery_id, p.member, p.feed, p.district, p.school_year, p.part_id
