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
    row_number() over (order by c.data_as_of, c.cycle) as sort,
    r.edition,
    coalesce(f.released_at, r.released_at) as first_released_at,
    r.reason as restated_because,
    r.readiness
from ref.cycle as c
left join ops.release as r on r.cycle = c.cycle
left join ops.past_release as f on f.cycle = c.cycle and f.edition = 1
