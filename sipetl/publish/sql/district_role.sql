-- Run as an administrator, connected to the warehouse's database. Then give the role a password: \password {role}
do $$
begin
    if not exists (select from pg_roles where rolname = {role_text}) then
        create role {role} login nosuperuser nocreatedb nocreaterole nobypassrls;
    end if;
end
$$;
grant usage on schema pub, own to {role};
grant select on all tables in schema pub, own to {role};
insert into ops.reader_grant (role_name, district) values ({role_text}, {district}) on conflict do nothing;
