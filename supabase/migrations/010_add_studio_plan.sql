-- Migration: 010_add_studio_plan
-- Description: A third plan, shared by a team, and the renewal of paid plans
-- Author: Billing Team
-- Date: 2026-07-06

DO $$
DECLARE
    current_version bigint;
BEGIN
    SELECT version INTO current_version FROM schema_version;
    IF current_version IS NULL OR current_version <> 9 THEN
        RAISE EXCEPTION 'migration 10 needs schema version 9, found %', current_version
            USING HINT = 'Apply the migrations one after another; this one follows 9.';
    END IF;
END $$;

BEGIN;

-- A value added to an enum type cannot be used before the transaction that adds
-- it has been committed: the limits of the plan are reference data and come
-- with the seeds.
ALTER TYPE public.subscription_plan ADD VALUE 'studio' AFTER 'pro';

ALTER TABLE public.plan_limits
    ADD COLUMN max_team_members integer NOT NULL DEFAULT 1
        CONSTRAINT plan_limits_max_team_members_check CHECK (max_team_members > 0);

COMMENT ON COLUMN public.plan_limits.max_team_members IS 'How many users share one subscription';

ALTER TABLE public.profiles ADD COLUMN plan_renews_at timestamptz;
COMMENT ON COLUMN public.profiles.plan_renews_at IS 'NULL for a plan that is not paid for';

-- The daily renewal only looks at plans that are paid for.
CREATE INDEX profiles_plan_renews_idx ON public.profiles (plan_renews_at)
    WHERE plan_renews_at IS NOT NULL;

UPDATE schema_version SET version = 10, applied_at = NOW(), description = 'Add the studio plan';

COMMIT;
