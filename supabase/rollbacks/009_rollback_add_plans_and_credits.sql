-- Rollback: 009_add_plans_and_credits
-- Description: Drop credits and plans
-- Author: Billing Team
-- Date: 2026-06-15
-- Release: 2.0.0

DO $$
DECLARE
    current_version bigint;
BEGIN
    SELECT version INTO current_version FROM schema_version;
    IF current_version IS NULL OR current_version <> 9 THEN
        RAISE EXCEPTION 'rollback 9 needs schema version 9, found %', current_version
            USING HINT = 'Roll back the newest migration first; only the last one applied can be undone.';
    END IF;
END $$;

BEGIN;

DROP FUNCTION public.spend_credits(integer, text, uuid);

-- The sequence belongs to the table and goes with it.
DROP TABLE public.credit_transactions;

-- The grants and the check constraint go with their columns.
ALTER TABLE public.profiles
    DROP COLUMN credit_balance,
    DROP COLUMN plan;

DROP TABLE public.plan_limits;
DROP TYPE public.subscription_plan;

UPDATE schema_version SET version = 8, applied_at = NOW(), description = 'Rolled back 9: add plans and credits';

COMMIT;
