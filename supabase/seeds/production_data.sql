-- Seed: production_data
-- Description: Reference data: art styles, upscaling models, limits of the plans
-- Author: Platform Team
-- Date: 2026-09-14
--
-- May be run as often as wanted: rows are found by their natural key and
-- brought up to what is written here; rows added elsewhere are left alone.

DO $$
DECLARE
    current_version bigint;
BEGIN
    SELECT version INTO current_version FROM schema_version;
    IF current_version IS NULL OR current_version <> 12 THEN
        RAISE EXCEPTION 'production data needs schema version 12, found %', current_version
            USING HINT = 'Apply all migrations before loading the seeds.';
    END IF;
END $$;

BEGIN;

INSERT INTO public.art_styles (slug, name, prompt_suffix)
VALUES
    ('photorealistic', 'Photorealistic', 'highly detailed photograph, natural light'),
    ('oil-painting',   'Oil painting',   'oil on canvas, visible brush strokes'),
    ('watercolor',     'Watercolor',     'watercolor on rough paper, soft edges'),
    ('pencil-sketch',  'Pencil sketch',  'graphite pencil drawing, cross-hatching'),
    ('pixel-art',      'Pixel art',      '16-bit pixel art, limited palette'),
    ('art-nouveau',    'Art nouveau',    'flowing lines, ornamental border'),
    ('low-poly',       'Low poly',       'low polygon render, flat shading'),
    ('ink-wash',       'Ink wash',       'monochrome ink wash, much empty space')
ON CONFLICT (slug) DO UPDATE
SET name = EXCLUDED.name,
    prompt_suffix = EXCLUDED.prompt_suffix;

INSERT INTO public.upscaling_models (slug, name, max_factor)
VALUES
    ('fast-2x',     'Fast',        2),
    ('balanced',    'Balanced',    4),
    ('fine-detail', 'Fine detail', 8)
ON CONFLICT (slug) DO UPDATE
SET name = EXCLUDED.name,
    max_factor = EXCLUDED.max_factor;

INSERT INTO public.plan_limits (plan, monthly_credits, max_resolution, max_team_members)
VALUES
    ('free',     25, 1024,  1),
    ('pro',     500, 2048,  1),
    ('studio', 2500, 4096, 10)
ON CONFLICT (plan) DO UPDATE
SET monthly_credits = EXCLUDED.monthly_credits,
    max_resolution = EXCLUDED.max_resolution,
    max_team_members = EXCLUDED.max_team_members;

SELECT public.refresh_style_popularity();

COMMIT;
