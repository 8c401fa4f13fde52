select
    school_year,
    (school_year - 1)::text || '-' || lpad((school_year % 100)::text, 2, '0') as school_year_label,
    min(starts_on) as starts_on,
    max(ends_on) as ends_on
from ref.period
where kind = 'year'
group by school_year
