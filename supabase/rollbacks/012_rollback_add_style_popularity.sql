-- Rollback: 012_add_style_popularity
-- Description: Drop the popularity of styles
-- Author: Artwork Team
-- Date: 2026-09-14

DO $$
DECLARE
    current_version bigint;
BEGIN
    SELECT version INTO current_version FROM schema_version;
    IF current_version IS NULL OR current_version <> 12 THEN
        RAISE EXCEPTION 'rollback 12 needs schema version 12, found %', current_version
            USING HINT = 'Roll back the newest migration first; only the last one applied can be undone.';
    END IF;
END $$;

BEGIN;

DROP FUNCTION public.refresh_style_popularity();

DROP MATERIALIZED VIEW public.style_popularity;

UPDATE schema_version SET version = 11, applied_at = NOW(), description = 'Rolled back 12: add the popularity of styles';

COMMIT;
