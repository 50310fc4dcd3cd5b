-- Rollback: 008_add_generation_events
-- Description: Drop the history of the generation status
-- Author: Platform Team
-- Date: 2026-05-11

DO $$
DECLARE
    current_version bigint;
BEGIN
    SELECT version INTO current_version FROM schema_version;
    IF current_version IS NULL OR current_version <> 8 THEN
        RAISE EXCEPTION 'rollback 8 needs schema version 8, found %', current_version
            USING HINT = 'Roll back the newest migration first; only the last one applied can be undone.';
    END IF;
END $$;

BEGIN;

DROP TRIGGER artworks_log_generation ON public.artworks;
DROP FUNCTION public.log_generation_event();

-- The partitions go with their parent.
DROP TABLE public.generation_events;

UPDATE schema_version SET version = 7, applied_at = NOW(), description = 'Rolled back 8: add the history of generations';

COMMIT;
