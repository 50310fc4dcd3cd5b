-- Rollback: 006_add_artwork_search
-- Description: Drop full text search
-- Author: Search Team
-- Date: 2026-04-07

DO $$
DECLARE
    current_version bigint;
BEGIN
    SELECT version INTO current_version FROM schema_version;
    IF current_version IS NULL OR current_version <> 6 THEN
        RAISE EXCEPTION 'rollback 6 needs schema version 6, found %', current_version
            USING HINT = 'Roll back the newest migration first; only the last one applied can be undone.';
    END IF;
END $$;

BEGIN;

DROP FUNCTION public.search_artworks(text, integer);

DROP INDEX public.artworks_tags_idx;
DROP INDEX public.artworks_search_idx;

-- Nothing is lost: the column is computed from the others.
ALTER TABLE public.artworks DROP COLUMN search_vector;

UPDATE schema_version SET version = 5, applied_at = NOW(), description = 'Rolled back 6: add full text search of artworks';

COMMIT;
