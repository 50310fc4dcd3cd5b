-- Schema version
-- Description: The one row that says which migration this database is at
-- Author: Platform Team
-- Date: 2026-01-05
--
-- Run once before migration 001. Running it again changes nothing: the table,
-- the policy and the row are only created where they are missing, and a
-- version that has already moved on is left as it is.

BEGIN;

CREATE TABLE IF NOT EXISTS public.schema_version (
    version     bigint      NOT NULL CONSTRAINT schema_version_not_negative CHECK (version >= 0),
    applied_at  timestamptz NOT NULL DEFAULT now(),
    description text
);

COMMENT ON TABLE  public.schema_version IS 'Schema version of this database; exactly one row';
COMMENT ON COLUMN public.schema_version.version IS 'Number of the last migration applied; 0 is the empty database';
COMMENT ON COLUMN public.schema_version.applied_at IS 'When the version last changed, in either direction';
COMMENT ON COLUMN public.schema_version.description IS 'What the last migration or rollback did';

-- Every row has the same index key, so a second row cannot be inserted.
CREATE UNIQUE INDEX IF NOT EXISTS schema_version_one_row ON public.schema_version ((true));

-- Anyone may read the version, nobody may change it through the API:
-- migrations run as the owner of the table, to whom row security does not apply.
ALTER TABLE public.schema_version ENABLE ROW LEVEL SECURITY;

DO $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM pg_policies
        WHERE schemaname = 'public' AND tablename = 'schema_version'
          AND policyname = 'schema_version_read_all'
    ) THEN
        CREATE POLICY schema_version_read_all ON public.schema_version
            FOR SELECT USING (true);
    END IF;
END $$;

GRANT SELECT ON public.schema_version TO PUBLIC;

-- The API roles are also named, so that they keep reading the version in a
-- database where grants to PUBLIC have been taken away, and lose what default
-- privileges of the platform gave them: row security does not stop TRUNCATE.
-- They may be missing: migration 001 creates them.
DO $$
DECLARE
    api_role text;
BEGIN
    FOR api_role IN
        SELECT rolname FROM pg_roles
        WHERE rolname IN ('anon', 'authenticated')
        ORDER BY rolname
    LOOP
        EXECUTE format('REVOKE ALL ON public.schema_version FROM %I', api_role);
        EXECUTE format('GRANT SELECT ON public.schema_version TO %I', api_role);
    END LOOP;
END $$;

INSERT INTO public.schema_version (version, description)
VALUES (0, 'empty database')
ON CONFLICT DO NOTHING;

COMMIT;
