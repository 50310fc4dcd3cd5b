-- Rollback: 010_add_studio_plan
-- Description: Drop the renewal of plans, take the studio plan out of the enum type
-- Author: Billing Team
-- Date: 2026-07-06

DO $$
DECLARE
    current_version bigint;
BEGIN
    SELECT version INTO current_version FROM schema_version;
    IF current_version IS NULL OR current_version <> 10 THEN
        RAISE EXCEPTION 'rollback 10 needs schema version 10, found %', current_version
            USING HINT = 'Roll back the newest migration first; only the last one applied can be undone.';
    END IF;
END $$;

BEGIN;

DROP INDEX public.profiles_plan_renews_idx;
ALTER TABLE public.profiles DROP COLUMN plan_renews_at;
ALTER TABLE public.plan_limits DROP COLUMN max_team_members;

-- A value cannot be taken out of an enum type: a new type without it takes the
-- place of the old one. Values are compared as text, so that this also runs
-- where the new value was added by the same transaction.
DELETE FROM public.plan_limits WHERE plan::text = 'studio';

ALTER TABLE public.profiles ALTER COLUMN plan DROP DEFAULT;

ALTER TYPE public.subscription_plan RENAME TO subscription_plan_old;
CREATE TYPE public.subscription_plan AS ENUM ('free', 'pro');
COMMENT ON TYPE public.subscription_plan IS 'What a user has subscribed to';

ALTER TABLE public.plan_limits
    ALTER COLUMN plan TYPE public.subscription_plan
    USING plan::text::public.subscription_plan;

-- Users of the plan that goes away get the largest one that stays.
ALTER TABLE public.profiles
    ALTER COLUMN plan TYPE public.subscription_plan
    USING (CASE plan::text WHEN 'studio' THEN 'pro' ELSE plan::text END)::public.subscription_plan;

ALTER TABLE public.profiles ALTER COLUMN plan SET DEFAULT 'free';

DROP TYPE public.subscription_plan_old;

UPDATE schema_version SET version = 9, applied_at = NOW(), description = 'Rolled back 10: add the studio plan';

COMMIT;
