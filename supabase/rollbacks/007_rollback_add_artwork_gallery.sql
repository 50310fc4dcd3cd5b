-- Rollback: 007_add_artwork_gallery
-- Description: Drop the view of the public gallery
-- Author: Artwork Team
-- Date: 2026-04-20

DO $$
DECLARE
    current_version bigint;
BEGIN
    SELECT version INTO current_version FROM schema_version;
    IF current_version IS NULL OR current_version <> 7 THEN
        RAISE EXCEPTION 'rollback 7 needs schema version 7, found %', current_version
            USING HINT = 'Roll back the newest migration first; only the last one applied can be undone.';
    END IF;
END $$;

BEGIN;

DROP VIEW public.artwork_gallery;

DROP INDEX public.artworks_gallery_idx;

UPDATE schema_version SET version = 6, applied_at = NOW(), description = 'Rolled back 7: add the artwork gallery view';

COMMIT;
