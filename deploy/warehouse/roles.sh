#!/usr/bin/env bash
# The warehouse's database, its roles and two logins; PostgreSQL's image runs it once, in an empty data folder.
# Tables belong to sipetl_owner, sipetl_etl writes rows; sipetl_login may act as either, and as itself does nothing.
# What sipetl_reader may read is granted when views are made (sipetl db upgrade): the schema pub.
set -euo pipefail

psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres <<'SQL'
\getenv login_password WAREHOUSE_LOGIN_PASSWORD
\getenv reader_password WAREHOUSE_READER_PASSWORD
create role sipetl_owner nologin;
create role sipetl_etl nologin;
create role sipetl_login login noinherit password :'login_password' in role sipetl_owner, sipetl_etl;
create role sipetl_reader login password :'reader_password';
create database sipetl owner sipetl_owner;
SQL
