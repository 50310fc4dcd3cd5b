-- Migration: 006_add_artwork_search
-- Description: Full text search over title and prompt
-- Author: Search Team
-- Date: 2026-04-07

DO $$
DECLARE
    current_version bigint;
BEGIN
    SELECT version INTO current_version FROM schema_version;
    IF current_version IS NULL OR current_version <> 5 THEN
        RAISE EXCEPTION 'migration 6 needs schema version 5, found %', current_version
            USING HINT = 'Apply the migrations one after another; this one follows 5.';
    END IF;
END $$;

BEGIN;

-- Kept by the database itself, so no writer can forget it. The configuration
-- is named: with the default one the expression would not be immutable. A match
-- in the title weighs more than one in the prompt.
ALTER TABLE public.artworks
    ADD COLUMN search_vector tsvector GENERATED ALWAYS AS (
        setweight(to_tsvector('english'::regconfig, coalesce(title, '')), 'A') ||
        setweight(to_tsvector('english'::regconfig, coalesce(prompt, '')), 'B')
    ) STORED;

COMMENT ON COLUMN public.artworks.search_vector IS 'Words of title and prompt for full text search';

CREATE INDEX artworks_search_idx ON public.artworks USING gin (search_vector);
CREATE INDEX artworks_tags_idx ON public.artworks USING gin (tags);

-- Runs with the rights of the caller: row security decides what is found.
CREATE FUNCTION public.search_artworks(search_text text, max_results integer DEFAULT 20)
RETURNS TABLE (artwork_id uuid, title text, rank real)
LANGUAGE sql STABLE SET search_path = ''
AS $$
    SELECT a.id, a.title, ts_rank(a.search_vector, q.query)
    FROM public.artworks a,
         websearch_to_tsquery('english', search_text) AS q (query)
    WHERE a.search_vector @@ q.query
    ORDER BY 3 DESC, a.created_at DESC
    LIMIT max_results
$$;

COMMENT ON FUNCTION public.search_artworks(text, integer) IS
    'Artworks the caller may see that match a search as typed by a user, best first';

REVOKE EXECUTE ON FUNCTION public.search_artworks(text, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public.search_artworks(text, integer) TO anon, authenticated;

UPDATE schema_version SET version = 6, applied_at = NOW(), description = 'Add full text search of artworks';

COMMIT;
