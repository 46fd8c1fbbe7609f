#!/bin/sh
# Runs once, on an empty volume: the application gets a role that owns its database and no more, with
# the password that was drawn. The superuser then has none, so nobody can be it over the network.
set -eu
psql --no-psqlrc --quiet --username=postgres --dbname=postgres --set=ON_ERROR_STOP=1 <<'SQL'
\getenv password POSTGRES_PASSWORD
CREATE ROLE recommender LOGIN PASSWORD :'password';
CREATE DATABASE recommender OWNER recommender;
ALTER ROLE postgres PASSWORD NULL;
SQL
