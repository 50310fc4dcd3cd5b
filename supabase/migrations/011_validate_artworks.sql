-- Migration: 011_validate_artworks
-- Description: Completion time of artworks; repair old rows and validate constraints
-- Author: Artwork Team
-- Date: 2026-08-03

DO $$
DECLARE
    current_version bigint;
BEGIN
    SELECT version INTO current_version FROM schema_version;
    IF current_version IS NULL OR current_version <> 10 THEN
        RAISE EXCEPTION 'migration 11 needs schema version 10, found %', current_version
            USING HINT = 'Apply the migrations one after another; this one follows 10.';
    END IF;
END $$;

BEGIN;

ALTER TABLE public.artworks ADD COLUMN completed_at timestamptz;
COMMENT ON COLUMN public.artworks.completed_at IS 'When the generation ended, well or not';

-- Artworks that name a deleted style keep it: the style comes back, retired. This
-- comes first: a row updated twice in one transaction has its key checked again.
INSERT INTO public.art_styles (id, slug, name, is_active)
SELECT DISTINCT a.style_id, 'retired-style-' || a.style_id, 'Retired style ' || a.style_id, false
FROM public.artworks a
WHERE a.style_id IS NOT NULL
  AND NOT EXISTS (SELECT 1 FROM public.art_styles s WHERE s.id = a.style_id);

ALTER TABLE public.artworks VALIDATE CONSTRAINT artworks_style_id_fkey;

-- NOT VALID holds for new rows while old ones still break it. Those are repaired
-- below, and VALIDATE then makes the constraint hold for every row.
ALTER TABLE public.artworks
    ADD CONSTRAINT artworks_failed_has_error_check
        CHECK (generation_status <> 'failed' OR error_message IS NOT NULL) NOT VALID;

-- Repairs are not changes by the owner, so updated_at is left alone.
ALTER TABLE public.artworks DISABLE TRIGGER artworks_set_updated_at;

UPDATE public.artworks
SET error_message = 'no error was recorded'
WHERE generation_status = 'failed' AND error_message IS NULL;

UPDATE public.artworks a
SET completed_at = coalesce(
        (SELECT max(e.occurred_at) FROM public.generation_events e
         WHERE e.artwork_id = a.id AND e.new_status = a.generation_status),
        a.updated_at)
WHERE generation_status IN ('succeeded', 'failed');

ALTER TABLE public.artworks ENABLE TRIGGER artworks_set_updated_at;

ALTER TABLE public.artworks VALIDATE CONSTRAINT artworks_failed_has_error_check;

CREATE FUNCTION public.set_completed_at() RETURNS trigger
LANGUAGE plpgsql SET search_path = ''
AS $$
BEGIN
    IF NEW.generation_status IN ('succeeded', 'failed') THEN
        NEW.completed_at := coalesce(NEW.completed_at, now());
    ELSE
        NEW.completed_at := NULL;
    END IF;
    RETURN NEW;
END;
$$;

CREATE TRIGGER artworks_set_completed_at
    BEFORE INSERT OR UPDATE OF generation_status ON public.artworks
    FOR EACH ROW EXECUTE FUNCTION public.set_completed_at();

UPDATE schema_version SET version = 11, applied_at = NOW(), description = 'Backfill and validate artworks';

COMMIT;
