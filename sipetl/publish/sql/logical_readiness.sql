select line
from (
    select json_build_array(district, school, feed, state, missing, blocks)::text as line
    from ops.release_readiness
    where cycle = :cycle and edition = :edition
) as lines
order by line collate "C"
