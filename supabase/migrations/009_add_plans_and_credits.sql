-- Migration: 009_add_plans_and_credits
-- Description: Subscription plans, credit balances and credit transactions
-- Author: Billing Team
-- Date: 2026-06-15
-- Release: 2.0.0

DO $$
DECLARE
    current_version bigint;
BEGIN
    SELECT version INTO current_version FROM schema_version;
    IF current_version IS NULL OR current_version <> 8 THEN
        RAISE EXCEPTION 'migration 9 needs schema version 8, found %', current_version
            USING HINT = 'Apply the migrations one after another; this one follows 8.';
    END IF;
END $$;

BEGIN;

CREATE TYPE public.subscription_plan AS ENUM ('free', 'pro');
COMMENT ON TYPE public.subscription_plan IS 'What a user has subscribed to';

CREATE TABLE public.plan_limits (
    plan            public.subscription_plan PRIMARY KEY,
    monthly_credits integer NOT NULL CHECK (monthly_credits >= 0),
    max_resolution  integer NOT NULL CHECK (max_resolution > 0)
);
COMMENT ON TABLE public.plan_limits IS 'What each plan includes';

INSERT INTO public.plan_limits (plan, monthly_credits, max_resolution)
VALUES ('free', 25, 1024), ('pro', 500, 2048);

ALTER TABLE public.profiles
    ADD COLUMN plan           public.subscription_plan NOT NULL DEFAULT 'free',
    ADD COLUMN credit_balance integer                  NOT NULL DEFAULT 0;

-- Two requests that spend the last credit at the same moment cannot both succeed.
ALTER TABLE public.profiles
    ADD CONSTRAINT profiles_credit_balance_check CHECK (credit_balance >= 0);

COMMENT ON COLUMN public.profiles.credit_balance IS 'Credits left; the sum of the credit transactions of the user';

-- The number on a receipt is not the key of the row: receipts start at 1000.
CREATE SEQUENCE public.credit_receipt_seq START WITH 1000;

CREATE TABLE public.credit_transactions (
    id              bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    profile_id      uuid        NOT NULL REFERENCES public.profiles (id) ON DELETE CASCADE,
    receipt_number  bigint      NOT NULL UNIQUE DEFAULT nextval('public.credit_receipt_seq'),
    idempotency_key uuid        NOT NULL UNIQUE DEFAULT gen_random_uuid(),
    amount          integer     NOT NULL CHECK (amount <> 0),
    reason          text        NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT now()
);

ALTER SEQUENCE public.credit_receipt_seq OWNED BY public.credit_transactions.receipt_number;

COMMENT ON TABLE public.credit_transactions IS 'Credits given and spent; rows are added, never changed';
COMMENT ON COLUMN public.credit_transactions.idempotency_key IS 'Chosen by the caller, so that a repeated request counts once';

CREATE INDEX credit_transactions_profile_idx ON public.credit_transactions (profile_id, created_at DESC);

-- Everyone but guests starts with the credits of the free plan. The balance
-- and its transaction are written together, and updated_at is left alone.
ALTER TABLE public.profiles DISABLE TRIGGER profiles_set_updated_at;
WITH opened AS (
    UPDATE public.profiles SET credit_balance = 25
    WHERE NOT is_anonymous
    RETURNING id
)
INSERT INTO public.credit_transactions (profile_id, amount, reason)
SELECT id, 25, 'opening balance' FROM opened ORDER BY id;
ALTER TABLE public.profiles ENABLE TRIGGER profiles_set_updated_at;

CREATE FUNCTION public.spend_credits(credits integer, spend_reason text, request_key uuid DEFAULT gen_random_uuid())
RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    remaining integer;
BEGIN
    IF credits IS NULL OR credits <= 0 THEN
        RAISE EXCEPTION 'credits to spend must be more than zero';
    END IF;

    INSERT INTO public.credit_transactions (profile_id, idempotency_key, amount, reason)
    SELECT p.id, request_key, -credits, spend_reason
    FROM public.profiles p
    WHERE p.id = public.current_user_id()
    ON CONFLICT (idempotency_key) DO NOTHING;

    -- Nothing inserted: nobody is signed in, or the request has been seen.
    IF FOUND THEN
        UPDATE public.profiles SET credit_balance = credit_balance - credits
        WHERE id = public.current_user_id();
    END IF;

    SELECT p.credit_balance INTO remaining
    FROM public.profiles p WHERE p.id = public.current_user_id();
    RETURN remaining;
END;
$$;

COMMENT ON FUNCTION public.spend_credits(integer, text, uuid) IS 'Spends credits of the signed-in user and returns what is left';
REVOKE EXECUTE ON FUNCTION public.spend_credits(integer, text, uuid) FROM PUBLIC, anon;
GRANT EXECUTE ON FUNCTION public.spend_credits(integer, text, uuid) TO authenticated;

ALTER TABLE public.plan_limits ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.credit_transactions ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON public.plan_limits, public.credit_transactions FROM anon, authenticated;
REVOKE ALL ON SEQUENCE public.credit_receipt_seq FROM anon, authenticated;

CREATE POLICY plan_limits_read ON public.plan_limits
    FOR SELECT TO anon, authenticated USING (true);
CREATE POLICY credit_transactions_read_own ON public.credit_transactions
    FOR SELECT TO authenticated USING (profile_id = (SELECT public.current_user_id()));

GRANT SELECT ON public.plan_limits TO anon, authenticated;
GRANT SELECT ON public.credit_transactions TO authenticated;
GRANT SELECT (plan) ON public.profiles TO authenticated;

UPDATE schema_version SET version = 9, applied_at = NOW(), description = 'Add plans and credits';

COMMIT;
