-- Migration: 003_clean_artwork_schema
-- Description: Drop unused upscaling fields, name the source image, tie artworks to styles
-- Author: Artwork Team
-- Date: 2026-02-09

DO $$
DECLARE
    current_version bigint;
BEGIN
    SELECT version INTO current_version FROM schema_version;
    IF current_version IS NULL OR current_version <> 2 THEN
        RAISE EXCEPTION 'migration 3 needs schema version 2, found %', current_version
            USING HINT = 'Apply the migrations one after another; this one follows 2.';
    END IF;
END $$;

BEGIN;

-- The provider and its raw answers are in the logs of the upscaling service;
-- nothing in the application reads them here.
ALTER TABLE artworks
    DROP COLUMN upscale_debug,
    DROP COLUMN upscale_provider;

-- There are two images per artwork since migration 2: say which one this is.
ALTER TABLE artworks RENAME COLUMN image_url TO source_image_url;
COMMENT ON COLUMN artworks.source_image_url IS 'Where the image is stored as it was generated';

-- Tidying up is not a change by the owner, so updated_at is left alone.
ALTER TABLE artworks DISABLE TRIGGER artworks_set_updated_at;
UPDATE artworks SET title = 'Untitled' WHERE title IS NULL;
ALTER TABLE artworks ENABLE TRIGGER artworks_set_updated_at;

ALTER TABLE artworks
    ALTER COLUMN title SET DEFAULT 'Untitled',
    ALTER COLUMN title SET NOT NULL;

-- Old rows may name styles that were deleted long ago. The constraint holds
-- for new rows from now on; migration 11 repairs the old ones and validates it.
ALTER TABLE artworks
    ADD CONSTRAINT artworks_style_id_fkey
        FOREIGN KEY (style_id) REFERENCES art_styles (id) NOT VALID;

CREATE INDEX artworks_style_idx ON artworks (style_id);

-- Nearly every artwork has succeeded: an index over all of them is no use.
DROP INDEX artworks_status_idx;
CREATE INDEX artworks_generation_open_idx ON artworks (created_at)
    WHERE generation_status IN ('queued', 'running');

UPDATE schema_version SET version = 3, applied_at = NOW(), description = 'Clean the artwork schema';

COMMIT;
