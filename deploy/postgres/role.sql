-- For a volume that was made before deploy/postgres/new: there the role of the application is the
-- superuser of the server. This gives that one the name postgres, and the database to a new role of
-- the old name and password. One transaction; connections that are open keep what they have.
--
--     docker compose exec -T database psql --username=recommender --dbname=recommender \
--         --set=ON_ERROR_STOP=1 --single-transaction < deploy/postgres/role.sql
CREATE ROLE renaming SUPERUSER;
SET SESSION AUTHORIZATION renaming;
DO $$
DECLARE
    verifier text := (SELECT rolpassword FROM pg_authid WHERE rolname = 'recommender');
    thing record;
BEGIN
    ALTER ROLE recommender RENAME TO postgres;
    ALTER ROLE postgres PASSWORD NULL;
    EXECUTE format('CREATE ROLE recommender LOGIN PASSWORD %L', verifier);
    ALTER DATABASE recommender OWNER TO recommender;
    FOR thing IN
        SELECT format('ALTER TABLE public.%I OWNER TO recommender', relname) AS change
        FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v')
        UNION ALL
        SELECT format('ALTER ROUTINE %s OWNER TO recommender', oid::regprocedure)
        FROM pg_proc
        WHERE pronamespace = 'public'::regnamespace
    LOOP
        EXECUTE thing.change;
    END LOOP;
END
$$;
RESET SESSION AUTHORIZATION;
DROP ROLE renaming;
