select
    period_id,
    school_year,
    kind as period_kind,
    code as period_code,
    starts_on,
    ends_on,
    sort
from ref.period
