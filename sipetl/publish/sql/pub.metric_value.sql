select
    r.cycle,
    r.school_year,
    r.organization_id,
    o.code as organization_code,
    r.period_id,
    p.code as period_code,
    r.metric,
    r.metric_version,
    r.student_group,
    r.as_of,
    case
        when r.suppression = 'E' then 'embargoed'
        when r.suppression = 'N' then 'not reported'
        -- one word for all small cells: the reason itself would narrow them down
        when r.suppression is not null then 'suppressed'
        else round(r.value, coalesce(m.decimals, 1))::text
    end as display_value,
    case when r.suppression is null then r.value end as value,
    case when r.suppression is null then r.low end as low,
    case when r.suppression is null then r.high end as high,
    case when r.suppression is null then r.numerator end as numerator,
    case when r.suppression is null then r.denominator end as denominator,
    case when r.suppression is null then r.n end as n,
    case when r.suppression is null then r.expected_n end as expected_n,
    case when r.suppression is null then r.coverage end as coverage,
    case when r.suppression is null then r.data_status end as data_status,
    r.suppression
from ops.release_value as r
join ref.organization as o on o.organization_id = r.organization_id
join ref.period as p on p.period_id = r.period_id
left join ref.metric as m on m.metric = r.metric and m.version = r.metric_version
