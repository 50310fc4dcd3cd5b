-- Migration: 004_add_access_policies
-- Description: Row level security policies, grants to the API roles, anonymous users
-- Author: Platform Team
-- Date: 2026-02-23

DO $$
DECLARE
    current_version bigint;
BEGIN
    SELECT version INTO current_version FROM schema_version;
    IF current_version IS NULL OR current_version <> 3 THEN
        RAISE EXCEPTION 'migration 4 needs schema version 3, found %', current_version
            USING HINT = 'Apply the migrations one after another; this one follows 3.';
    END IF;
END $$;

BEGIN;

ALTER TABLE public.profiles ADD COLUMN is_anonymous boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN public.profiles.is_anonymous IS 'Guest without an account; may generate, but is not shown to others';

-- The API puts the claims of the token it has checked into this setting. It is
-- missing in a direct connection and empty after a reset: nobody then.
CREATE FUNCTION public.current_user_id() RETURNS uuid
LANGUAGE sql STABLE SET search_path = ''
AS $$
    SELECT nullif(nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub', '')::uuid
$$;

COMMENT ON FUNCTION public.current_user_id() IS 'Id of the signed-in user, NULL if nobody is';

-- Runs with the rights of its owner, since guests may not write to profiles.
CREATE FUNCTION public.create_anonymous_user(guest_name text DEFAULT 'Guest') RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    guest_id uuid := coalesce(public.current_user_id(), gen_random_uuid());
BEGIN
    INSERT INTO public.profiles (id, display_name, is_anonymous)
    VALUES (guest_id, guest_name, true)
    ON CONFLICT (id) DO NOTHING;
    RETURN guest_id;
END;
$$;

COMMENT ON FUNCTION public.create_anonymous_user(text) IS 'Makes a profile for a guest and returns its id';

REVOKE EXECUTE ON FUNCTION public.create_anonymous_user(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public.create_anonymous_user(text) TO anon, authenticated;

-- The sub-select makes the planner ask for the user once per query, not per row.
CREATE POLICY profiles_read ON public.profiles
    FOR SELECT TO anon, authenticated
    USING (NOT is_anonymous OR id = (SELECT public.current_user_id()));

CREATE POLICY profiles_update_own ON public.profiles
    FOR UPDATE TO authenticated
    USING (id = (SELECT public.current_user_id()))
    WITH CHECK (id = (SELECT public.current_user_id()));

CREATE POLICY artworks_read ON public.artworks
    FOR SELECT TO anon, authenticated
    USING (visibility = 'public' OR owner_id = (SELECT public.current_user_id()));

CREATE POLICY artworks_insert_own ON public.artworks
    FOR INSERT TO authenticated
    WITH CHECK (owner_id = (SELECT public.current_user_id()));

CREATE POLICY artworks_update_own ON public.artworks
    FOR UPDATE TO authenticated
    USING (owner_id = (SELECT public.current_user_id()))
    WITH CHECK (owner_id = (SELECT public.current_user_id()));

CREATE POLICY artworks_delete_own ON public.artworks
    FOR DELETE TO authenticated
    USING (owner_id = (SELECT public.current_user_id()));

-- A like is as visible as its artwork: the sub-select obeys artworks_read.
CREATE POLICY artwork_likes_read ON public.artwork_likes
    FOR SELECT TO anon, authenticated
    USING (EXISTS (SELECT 1 FROM public.artworks a WHERE a.id = artwork_id));

CREATE POLICY artwork_likes_write_own ON public.artwork_likes
    FOR ALL TO authenticated
    USING (profile_id = (SELECT public.current_user_id()))
    WITH CHECK (profile_id = (SELECT public.current_user_id()));

-- Policies choose rows, column grants choose what of them: the address of a
-- user is not for others, and only the workers set the state of a generation.
GRANT SELECT (id, display_name, avatar_url, bio, is_anonymous, created_at)
    ON public.profiles TO anon, authenticated;
GRANT UPDATE (display_name, avatar_url, bio) ON public.profiles TO authenticated;

GRANT SELECT ON public.artworks, public.artwork_likes TO anon, authenticated;
GRANT INSERT (id, owner_id, title, prompt, negative_prompt, style_id, width, height, seed, visibility, tags)
    ON public.artworks TO authenticated;
GRANT UPDATE (title, visibility, tags) ON public.artworks TO authenticated;
GRANT DELETE ON public.artworks TO authenticated;
GRANT INSERT, DELETE ON public.artwork_likes TO authenticated;

UPDATE schema_version SET version = 4, applied_at = NOW(), description = 'Add access policies and anonymous users';

COMMIT;
