-- Rollback: 011_validate_artworks
-- Description: Drop the completion time, undo the repairs, unvalidate the constraints
-- Author: Artwork Team
-- Date: 2026-08-03

DO $$
DECLARE
    current_version bigint;
BEGIN
    SELECT version INTO current_version FROM schema_version;
    IF current_version IS NULL OR current_version <> 11 THEN
        RAISE EXCEPTION 'rollback 11 needs schema version 11, found %', current_version
            USING HINT = 'Roll back the newest migration first; only the last one applied can be undone.';
    END IF;
END $$;

BEGIN;

DROP TRIGGER artworks_set_completed_at ON public.artworks;
DROP FUNCTION public.set_completed_at();

ALTER TABLE public.artworks DROP CONSTRAINT artworks_failed_has_error_check;

-- A constraint cannot be made NOT VALID again: it is dropped and added anew,
-- and the repairs are undone in between, while nothing checks the rows.
ALTER TABLE public.artworks DROP CONSTRAINT artworks_style_id_fkey;

ALTER TABLE public.artworks DISABLE TRIGGER artworks_set_updated_at;
UPDATE public.artworks SET error_message = NULL
WHERE generation_status = 'failed' AND error_message = 'no error was recorded';
ALTER TABLE public.artworks ENABLE TRIGGER artworks_set_updated_at;

DELETE FROM public.art_styles
WHERE slug = 'retired-style-' || id AND NOT is_active;

ALTER TABLE public.artworks
    ADD CONSTRAINT artworks_style_id_fkey
        FOREIGN KEY (style_id) REFERENCES public.art_styles (id) NOT VALID;

ALTER TABLE public.artworks DROP COLUMN completed_at;

UPDATE schema_version SET version = 10, applied_at = NOW(), description = 'Rolled back 11: backfill and validate artworks';

COMMIT;
