-- Some parts, and all others of their feeds, districts and school years: one of those may have replaced them.
select
    p.part_id, p.feed, p.district, p.school_year, p.status, p.supersedes, p.scope_from, p.scope_to, p.published_at,
    d.file_name, d.sha256
from ops.delivery_part as p
join ops.delivery as d using (delivery_id)
where (p.feed, p.district, p.school_year) in (
    select feed, district, school_year from ops.delivery_part where part_id = any(cast(:parts as uuid[]))
)
order by p.published_at, p.part_id
