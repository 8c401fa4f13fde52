select distinct on (metric)
    metric,
    version as metric_version,
    title as metric_title,
    family,
    feed,
    unit,
    direction,
    path,
    display_unit,
    decimals,
    source
from ref.metric
order by metric, version desc
