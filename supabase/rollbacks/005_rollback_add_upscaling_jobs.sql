-- Rollback: 005_add_upscaling_jobs
-- Description: Drop upscaling jobs and models
-- Author: Upscaling Team
-- Date: 2026-03-16
-- Release: 1.1.0

DO $$
DECLARE
    current_version bigint;
BEGIN
    SELECT version INTO current_version FROM schema_version;
    IF current_version IS NULL OR current_version <> 5 THEN
        RAISE EXCEPTION 'rollback 5 needs schema version 5, found %', current_version
            USING HINT = 'Roll back the newest migration first; only the last one applied can be undone.';
    END IF;
END $$;

BEGIN;

-- The artworks already hold the outcome of their newest job, so only the
-- history of earlier attempts is lost with the table.
DROP TABLE public.upscaling_jobs;
DROP TABLE public.upscaling_models;

DROP FUNCTION public.sync_upscale_status();

UPDATE schema_version SET version = 4, applied_at = NOW(), description = 'Rolled back 5: add upscaling models and jobs';

COMMIT;
