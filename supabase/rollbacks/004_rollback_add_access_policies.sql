-- Rollback: 004_add_access_policies
-- Description: Drop policies and anonymous users, take the grants away from the API roles
-- Author: Platform Team
-- Date: 2026-02-23

DO $$
DECLARE
    current_version bigint;
BEGIN
    SELECT version INTO current_version FROM schema_version;
    IF current_version IS NULL OR current_version <> 4 THEN
        RAISE EXCEPTION 'rollback 4 needs schema version 4, found %', current_version
            USING HINT = 'Roll back the newest migration first; only the last one applied can be undone.';
    END IF;
END $$;

BEGIN;

-- Taking a right away from the table takes it from the columns as well.
REVOKE ALL ON public.profiles, public.artworks, public.artwork_likes FROM anon, authenticated;

DROP POLICY artwork_likes_write_own ON public.artwork_likes;
DROP POLICY artwork_likes_read ON public.artwork_likes;
DROP POLICY artworks_delete_own ON public.artworks;
DROP POLICY artworks_update_own ON public.artworks;
DROP POLICY artworks_insert_own ON public.artworks;
DROP POLICY artworks_read ON public.artworks;
DROP POLICY profiles_update_own ON public.profiles;
DROP POLICY profiles_read ON public.profiles;

DROP FUNCTION public.create_anonymous_user(text);
DROP FUNCTION public.current_user_id();

-- Guests keep their profiles, so that their artworks survive the rollback.
ALTER TABLE public.profiles DROP COLUMN is_anonymous;

UPDATE schema_version SET version = 3, applied_at = NOW(), description = 'Rolled back 4: add access policies and anonymous users';

COMMIT;
