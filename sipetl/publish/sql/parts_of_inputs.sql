-- The parts below each of some inputs.
with recursive reached as (
    select input_id as of_input, member
    from ops.input_member
    where input_id = any(cast(:inputs as uuid[]))
    union
    select r.of_input, m.member
    from reached as r
    join ops.input_member as m
        on m.input_id = case when starts_with(r.member, 'input:') then substr(r.member, 7)::uuid end
)
select distinct of_input, substr(member, 6)::uuid as part_id
from reached
where starts_with(member, 'part:')
