select
    c.cycle,
    c.school_year,
    c.data_as_of,
    c.data_due,
    c.review_date,
    r.cycle is not null as is_released,
    r.released_at,
    r.policy,
    r.sha256,
    row_number() over (order by c.data_as_of, c.cycle) as sort
from ref.cycle as c
left join ops.release as r on r.cycle = c.cycle
