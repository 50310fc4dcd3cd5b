-- Rollback: 003_clean_artwork_schema
-- Description: Restore the fields, names and index of schema version 2
-- Author: Artwork Team
-- Date: 2026-02-09

DO $$
DECLARE
    current_version bigint;
BEGIN
    SELECT version INTO current_version FROM schema_version;
    IF current_version IS NULL OR current_version <> 3 THEN
        RAISE EXCEPTION 'rollback 3 needs schema version 3, found %', current_version
            USING HINT = 'Roll back the newest migration first; only the last one applied can be undone.';
    END IF;
END $$;

BEGIN;

DROP INDEX artworks_generation_open_idx;
CREATE INDEX artworks_status_idx ON artworks (generation_status);

DROP INDEX artworks_style_idx;
ALTER TABLE artworks DROP CONSTRAINT artworks_style_id_fkey;

-- Titles that were filled in stay: they cannot be told from those that owners
-- chose themselves.
ALTER TABLE artworks
    ALTER COLUMN title DROP NOT NULL,
    ALTER COLUMN title DROP DEFAULT;

COMMENT ON COLUMN artworks.source_image_url IS NULL;
ALTER TABLE artworks RENAME COLUMN source_image_url TO image_url;

-- The columns come back empty: what they held was dropped with them.
ALTER TABLE artworks
    ADD COLUMN upscale_provider text,
    ADD COLUMN upscale_debug    jsonb;

COMMENT ON COLUMN artworks.upscale_provider IS 'Service that upscaled the image';
COMMENT ON COLUMN artworks.upscale_debug IS 'Raw answer of the service';

UPDATE schema_version SET version = 2, applied_at = NOW(), description = 'Rolled back 3: clean the artwork schema';

COMMIT;
