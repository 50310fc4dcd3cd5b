-- Migration: 002_add_upscaling_fields
-- Description: Record on each artwork how its upscaling is going
-- Author: Upscaling Team
-- Date: 2026-01-26

DO $$
DECLARE
    current_version bigint;
BEGIN
    SELECT version INTO current_version FROM schema_version;
    IF current_version IS NULL OR current_version <> 1 THEN
        RAISE EXCEPTION 'migration 2 needs schema version 1, found %', current_version
            USING HINT = 'Apply the migrations one after another; this one follows 1.';
    END IF;
END $$;

BEGIN;

CREATE TYPE upscale_status AS ENUM ('none', 'pending', 'processing', 'completed', 'failed');

COMMENT ON TYPE upscale_status IS 'How far the upscaling of an artwork has come';

-- A constant default does not rewrite the table, however large it is.
ALTER TABLE artworks
    ADD COLUMN upscale_status     upscale_status NOT NULL DEFAULT 'none',
    ADD COLUMN upscale_factor     smallint,
    ADD COLUMN upscaled_image_url text,
    ADD COLUMN upscaled_at        timestamptz,
    ADD COLUMN upscale_provider   text,
    ADD COLUMN upscale_debug      jsonb;

ALTER TABLE artworks
    ADD CONSTRAINT artworks_upscale_factor_check
        CHECK (upscale_factor IN (2, 4, 8)),
    ADD CONSTRAINT artworks_upscale_complete_check
        CHECK (upscale_status <> 'completed' OR upscaled_image_url IS NOT NULL);

COMMENT ON COLUMN artworks.upscale_factor IS 'How many times wider and higher the upscaled image is';
COMMENT ON COLUMN artworks.upscaled_image_url IS 'Where the upscaled image is stored';
COMMENT ON COLUMN artworks.upscale_provider IS 'Service that upscaled the image';
COMMENT ON COLUMN artworks.upscale_debug IS 'Raw answer of the service';

-- Only open work is ever looked up by status, and there is little of it.
CREATE INDEX artworks_upscale_open_idx ON artworks (created_at)
    WHERE upscale_status IN ('pending', 'processing');

UPDATE schema_version SET version = 2, applied_at = NOW(), description = 'Add upscaling fields to artworks';

COMMIT;
