select line
from (
    select json_build_array(kind, name, version, sha256)::text as line
    from ops.release_definition
    where cycle = :cycle and edition = :edition
) as lines
order by line collate "C"
