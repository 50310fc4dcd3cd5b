-- Migration: 012_add_style_popularity
-- Description: Materialized view of artworks and likes per style
-- Author: Artwork Team
-- Date: 2026-09-14

DO $$
DECLARE
    current_version bigint;
BEGIN
    SELECT version INTO current_version FROM schema_version;
    IF current_version IS NULL OR current_version <> 11 THEN
        RAISE EXCEPTION 'migration 12 needs schema version 11, found %', current_version
            USING HINT = 'Apply the migrations one after another; this one follows 11.';
    END IF;
END $$;

BEGIN;

-- Counting likes over all artworks is too slow for a start page. A materialized
-- view knows no row security, so only public artworks are counted in it.
CREATE MATERIALIZED VIEW public.style_popularity AS
SELECT s.id AS style_id,
       s.slug,
       s.name,
       count(DISTINCT a.id) AS artwork_count,
       count(l.profile_id)  AS like_count,
       max(a.completed_at)  AS last_completed_at
FROM public.art_styles s
LEFT JOIN public.artworks a
       ON a.style_id = s.id AND a.visibility = 'public' AND a.generation_status = 'succeeded'
LEFT JOIN public.artwork_likes l ON l.artwork_id = a.id
WHERE s.is_active
GROUP BY s.id, s.slug, s.name
WITH DATA;

COMMENT ON MATERIALIZED VIEW public.style_popularity IS
    'Public artworks and likes per style, as of the last refresh';

-- Needed to refresh without locking out readers.
CREATE UNIQUE INDEX style_popularity_style_idx ON public.style_popularity (style_id);
CREATE INDEX style_popularity_likes_idx ON public.style_popularity (like_count DESC);

-- Called by the scheduler. After a restore without data the view is not filled
-- yet, and a concurrent refresh would be refused.
CREATE FUNCTION public.refresh_style_popularity() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    IF (SELECT relispopulated FROM pg_catalog.pg_class
        WHERE oid = 'public.style_popularity'::regclass) THEN
        REFRESH MATERIALIZED VIEW CONCURRENTLY public.style_popularity;
    ELSE
        REFRESH MATERIALIZED VIEW public.style_popularity;
    END IF;
END;
$$;

COMMENT ON FUNCTION public.refresh_style_popularity() IS 'Brings style_popularity up to date';

REVOKE EXECUTE ON FUNCTION public.refresh_style_popularity() FROM PUBLIC, anon, authenticated;

REVOKE ALL ON public.style_popularity FROM anon, authenticated;
GRANT SELECT ON public.style_popularity TO anon, authenticated;

UPDATE schema_version SET version = 12, applied_at = NOW(), description = 'Add the popularity of styles';

COMMIT;
