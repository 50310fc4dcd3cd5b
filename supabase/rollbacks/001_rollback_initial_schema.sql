-- Rollback: 001_initial_schema
-- Description: Drop all tables of the application; the roles of the API stay
-- Author: Artwork Team
-- Date: 2026-01-12
-- Release: 1.0.0

DO $$
DECLARE
    current_version bigint;
BEGIN
    SELECT version INTO current_version FROM schema_version;
    IF current_version IS NULL OR current_version <> 1 THEN
        RAISE EXCEPTION 'rollback 1 needs schema version 1, found %', current_version
            USING HINT = 'Roll back the newest migration first; only the last one applied can be undone.';
    END IF;
END $$;

BEGIN;

-- Grants, policies, indexes and triggers go with their tables. The roles anon
-- and authenticated stay: other databases of the cluster may use them, and no
-- object of this one depends on them any more.
DROP TABLE artwork_likes;
DROP TABLE artworks;
DROP TABLE art_styles;
DROP TABLE profiles;

DROP FUNCTION set_updated_at();

DROP TYPE artwork_visibility;
DROP TYPE generation_status;

UPDATE schema_version SET version = 0, applied_at = NOW(), description = 'Rolled back 1: initial schema';

COMMIT;
