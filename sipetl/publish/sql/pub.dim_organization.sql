select
    o.organization_id,
    o.code as organization_code,
    o.authority,
    o.level,
    o.name as organization_name,
    o.parent_id,
    o.district,
    d.name as district_name,
    o.valid_from,
    o.valid_to,
    array_position(array['state', 'region', 'district', 'school'], o.level) as level_sort
from ref.organization as o
left join ref.organization as d on d.level = 'district' and d.authority = o.authority and d.district = o.district
