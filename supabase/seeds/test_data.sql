-- Seed: test_data
-- Description: A small set of users, artworks and jobs for development and tests
-- Author: Platform Team
-- Date: 2026-09-14
--
-- Not for production. May be run as often as wanted: the keys are fixed, and
-- rows that exist already are left alone. Does not need production_data.sql.

DO $$
DECLARE
    current_version bigint;
BEGIN
    SELECT version INTO current_version FROM schema_version;
    IF current_version IS NULL OR current_version <> 12 THEN
        RAISE EXCEPTION 'test data needs schema version 12, found %', current_version
            USING HINT = 'Apply all migrations before loading the seeds.';
    END IF;
END $$;

BEGIN;

INSERT INTO public.art_styles (slug, name, prompt_suffix)
VALUES
    ('test-flat',  'Test flat',  'flat colours'),
    ('test-night', 'Test night', 'at night, long exposure')
ON CONFLICT (slug) DO NOTHING;

INSERT INTO public.upscaling_models (slug, name, max_factor)
VALUES ('test-4x', 'Test 4x', 4)
ON CONFLICT (slug) DO NOTHING;

INSERT INTO public.profiles (id, display_name, email, bio, is_anonymous, plan, credit_balance, plan_renews_at)
VALUES
    ('00000000-0000-4000-8000-000000000001', 'Test artist',    'artist@example.com',    'Public artworks',  false, 'pro',    480, '2026-10-01 00:00:00+00'),
    ('00000000-0000-4000-8000-000000000002', 'Test collector', 'collector@example.com', 'Likes artworks',   false, 'free',    25, NULL),
    ('00000000-0000-4000-8000-000000000003', 'Test studio',    'studio@example.com',    'Shares one plan',  false, 'studio', 2500, '2026-10-15 00:00:00+00'),
    ('00000000-0000-4000-8000-000000000004', 'Guest',          NULL,                    NULL,               true,  'free',     0, NULL)
ON CONFLICT (id) DO NOTHING;

INSERT INTO public.artworks (id, owner_id, title, prompt, negative_prompt, style_id, width, height, seed,
                             source_image_url, generation_status, error_message, visibility, tags,
                             created_at, completed_at)
SELECT v.id, v.owner_id, v.title, v.prompt, v.negative_prompt, s.id, v.width, v.height, v.seed,
       v.source_image_url, v.generation_status, v.error_message, v.visibility, v.tags,
       v.created_at, v.completed_at
FROM (VALUES
    ('00000000-0000-4000-8000-000000000101'::uuid, '00000000-0000-4000-8000-000000000001'::uuid,
     'Lighthouse in a storm', 'a lighthouse on a cliff, waves, dark clouds', 'people', 'test-night',
     1024, 768, 4242::bigint, 'https://cdn.example.com/source/101.png',
     'succeeded'::public.generation_status, NULL, 'public'::public.artwork_visibility,
     '{sea,storm}'::text[], '2026-06-20 10:00:00+00'::timestamptz, '2026-06-20 10:01:12+00'::timestamptz),
    ('00000000-0000-4000-8000-000000000102', '00000000-0000-4000-8000-000000000001',
     'City of paper', 'a city folded from paper, "handmade" look', NULL, 'test-flat',
     1024, 1024, 7, 'https://cdn.example.com/source/102.png',
     'succeeded', NULL, 'public', '{city,paper}', '2026-07-02 08:30:00+00', '2026-07-02 08:31:40+00'),
    ('00000000-0000-4000-8000-000000000103', '00000000-0000-4000-8000-000000000001',
     'Untitled', 'an orchard in spring; it''s raining', NULL, 'test-flat',
     512, 512, NULL, NULL, 'failed', 'the generator ran out of memory', 'private', '{}',
     '2026-07-03 12:00:00+00', '2026-07-03 12:00:41+00'),
    ('00000000-0000-4000-8000-000000000104', '00000000-0000-4000-8000-000000000003',
     'Café at dawn', 'empty café, chairs on tables, blue hour', 'text, watermark', 'test-night',
     2048, 1024, 99, 'https://cdn.example.com/source/104.png',
     'succeeded', NULL, 'unlisted', '{café}', '2026-08-11 05:15:00+00', '2026-08-11 05:17:03+00'),
    ('00000000-0000-4000-8000-000000000105', '00000000-0000-4000-8000-000000000004',
     'Untitled', 'a fox made of glass', NULL, NULL,
     1024, 1024, NULL, NULL, 'queued', NULL, 'private', '{}',
     '2026-09-01 18:45:00+00', NULL)
) AS v (id, owner_id, title, prompt, negative_prompt, style_slug, width, height, seed,
        source_image_url, generation_status, error_message, visibility, tags, created_at, completed_at)
LEFT JOIN public.art_styles s ON s.slug = v.style_slug
ON CONFLICT (id) DO NOTHING;

INSERT INTO public.artwork_likes (artwork_id, profile_id, created_at)
VALUES
    ('00000000-0000-4000-8000-000000000101', '00000000-0000-4000-8000-000000000002', '2026-06-21 09:00:00+00'),
    ('00000000-0000-4000-8000-000000000101', '00000000-0000-4000-8000-000000000003', '2026-06-22 09:00:00+00'),
    ('00000000-0000-4000-8000-000000000102', '00000000-0000-4000-8000-000000000002', '2026-07-04 20:10:00+00')
ON CONFLICT (artwork_id, profile_id) DO NOTHING;

-- Jobs have no key of their own that could be fixed: an artwork that has any
-- job has been seeded. The jobs set the upscaling fields of their artworks.
INSERT INTO public.upscaling_jobs (artwork_id, model_id, factor, status, result_url, error_message, requested_at, finished_at)
SELECT v.artwork_id, m.id, v.factor, v.status, v.result_url, v.error_message, v.requested_at, v.finished_at
FROM (VALUES
    ('00000000-0000-4000-8000-000000000101'::uuid, 4::smallint, 'failed'::public.upscale_status, NULL,
     'timed out', '2026-06-20 11:00:00+00'::timestamptz, '2026-06-20 11:05:00+00'::timestamptz),
    ('00000000-0000-4000-8000-000000000101', 4, 'completed', 'https://cdn.example.com/4x/101.png',
     NULL, '2026-06-20 11:06:00+00', '2026-06-20 11:08:30+00'),
    ('00000000-0000-4000-8000-000000000104', 2, 'processing', NULL,
     NULL, '2026-08-11 05:20:00+00', NULL)
) AS v (artwork_id, factor, status, result_url, error_message, requested_at, finished_at)
JOIN public.upscaling_models m ON m.slug = 'test-4x'
WHERE NOT EXISTS (SELECT 1 FROM public.upscaling_jobs j WHERE j.artwork_id = v.artwork_id)
ORDER BY v.requested_at;

INSERT INTO public.credit_transactions (profile_id, idempotency_key, amount, reason, created_at)
VALUES
    ('00000000-0000-4000-8000-000000000001', '00000000-0000-4000-8000-000000000201',  500, 'pro plan',        '2026-09-01 00:00:00+00'),
    ('00000000-0000-4000-8000-000000000001', '00000000-0000-4000-8000-000000000202',  -20, 'upscaling',       '2026-09-02 14:00:00+00'),
    ('00000000-0000-4000-8000-000000000002', '00000000-0000-4000-8000-000000000203',   25, 'opening balance', '2026-06-15 00:00:00+00'),
    ('00000000-0000-4000-8000-000000000003', '00000000-0000-4000-8000-000000000204', 2500, 'studio plan',     '2026-09-15 00:00:00+00')
ON CONFLICT (idempotency_key) DO NOTHING;

SELECT public.refresh_style_popularity();

COMMIT;
