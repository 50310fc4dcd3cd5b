-- Rollback: 002_add_upscaling_fields
-- Description: Drop the upscaling fields of artworks
-- Author: Upscaling Team
-- Date: 2026-01-26

DO $$
DECLARE
    current_version bigint;
BEGIN
    SELECT version INTO current_version FROM schema_version;
    IF current_version IS NULL OR current_version <> 2 THEN
        RAISE EXCEPTION 'rollback 2 needs schema version 2, found %', current_version
            USING HINT = 'Roll back the newest migration first; only the last one applied can be undone.';
    END IF;
END $$;

BEGIN;

DROP INDEX artworks_upscale_open_idx;

-- Comments and constraints would go with their columns; the constraints are
-- dropped by name to say that it is meant.
ALTER TABLE artworks
    DROP CONSTRAINT artworks_upscale_complete_check,
    DROP CONSTRAINT artworks_upscale_factor_check;

ALTER TABLE artworks
    DROP COLUMN upscale_debug,
    DROP COLUMN upscale_provider,
    DROP COLUMN upscaled_at,
    DROP COLUMN upscaled_image_url,
    DROP COLUMN upscale_factor,
    DROP COLUMN upscale_status;

DROP TYPE upscale_status;

UPDATE schema_version SET version = 1, applied_at = NOW(), description = 'Rolled back 2: add upscaling fields to artworks';

COMMIT;
