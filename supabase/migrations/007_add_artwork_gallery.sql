-- Migration: 007_add_artwork_gallery
-- Description: View of the public gallery
-- Author: Artwork Team
-- Date: 2026-04-20

DO $$
DECLARE
    current_version bigint;
BEGIN
    SELECT version INTO current_version FROM schema_version;
    IF current_version IS NULL OR current_version <> 6 THEN
        RAISE EXCEPTION 'migration 7 needs schema version 6, found %', current_version
            USING HINT = 'Apply the migrations one after another; this one follows 6.';
    END IF;
END $$;

BEGIN;

-- Only finished public artworks are ever listed, newest first.
CREATE INDEX artworks_gallery_idx ON public.artworks (created_at DESC)
    WHERE visibility = 'public' AND generation_status = 'succeeded';

-- security_invoker: the policies of the tables apply to whoever reads the
-- view. Without it the view would read with the rights of its owner, and past
-- row security.
CREATE VIEW public.artwork_gallery WITH (security_invoker = true) AS
SELECT a.id,
       a.title,
       p.display_name AS artist_name,
       p.avatar_url   AS artist_avatar_url,
       s.name         AS style_name,
       coalesce(a.upscaled_image_url, a.source_image_url) AS image_url,
       a.width * coalesce(a.upscale_factor, 1)  AS width,
       a.height * coalesce(a.upscale_factor, 1) AS height,
       (SELECT count(*) FROM public.artwork_likes l WHERE l.artwork_id = a.id) AS like_count,
       a.tags,
       a.created_at
FROM public.artworks a
JOIN public.profiles p ON p.id = a.owner_id
LEFT JOIN public.art_styles s ON s.id = a.style_id
WHERE a.visibility = 'public'
  AND a.generation_status = 'succeeded';

COMMENT ON VIEW public.artwork_gallery IS 'Finished public artworks with artist, style and likes';
COMMENT ON COLUMN public.artwork_gallery.image_url IS 'The upscaled image if there is one';

REVOKE ALL ON public.artwork_gallery FROM anon, authenticated;
GRANT SELECT ON public.artwork_gallery TO anon, authenticated;

UPDATE schema_version SET version = 7, applied_at = NOW(), description = 'Add the artwork gallery view';

COMMIT;
