-- Migration: 008_add_generation_events
-- Description: History of the generation status, partitioned by time
-- Author: Platform Team
-- Date: 2026-05-11

DO $$
DECLARE
    current_version bigint;
BEGIN
    SELECT version INTO current_version FROM schema_version;
    IF current_version IS NULL OR current_version <> 7 THEN
        RAISE EXCEPTION 'migration 8 needs schema version 7, found %', current_version
            USING HINT = 'Apply the migrations one after another; this one follows 7.';
    END IF;
END $$;

BEGIN;

-- Partitioned by time, so that old events are removed by dropping a partition.
-- The key of a partitioned table has to contain what it is partitioned by.
CREATE TABLE public.generation_events (
    id          uuid                     NOT NULL DEFAULT gen_random_uuid(),
    artwork_id  uuid                     NOT NULL REFERENCES public.artworks (id) ON DELETE CASCADE,
    old_status  public.generation_status,
    new_status  public.generation_status NOT NULL,
    details     jsonb                    NOT NULL DEFAULT '{}',
    occurred_at timestamptz              NOT NULL DEFAULT now(),
    PRIMARY KEY (id, occurred_at)
) PARTITION BY RANGE (occurred_at);

CREATE TABLE public.generation_events_2026h1 PARTITION OF public.generation_events
    FOR VALUES FROM ('2026-01-01 00:00:00+00') TO ('2026-07-01 00:00:00+00');
CREATE TABLE public.generation_events_2026h2 PARTITION OF public.generation_events
    FOR VALUES FROM ('2026-07-01 00:00:00+00') TO ('2027-01-01 00:00:00+00');
CREATE TABLE public.generation_events_default PARTITION OF public.generation_events DEFAULT;

COMMENT ON TABLE public.generation_events IS 'Every change of the generation status of an artwork';
COMMENT ON COLUMN public.generation_events.old_status IS 'NULL for the first event of an artwork';
COMMENT ON TABLE public.generation_events_default IS 'Events for which there is no partition yet';

CREATE INDEX generation_events_artwork_idx ON public.generation_events (artwork_id, occurred_at);

-- Artworks from before the history start it with the status they have now.
INSERT INTO public.generation_events (artwork_id, new_status, details, occurred_at)
SELECT id, generation_status, '{"source": "backfill"}', updated_at
FROM public.artworks;

CREATE FUNCTION public.log_generation_event() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO public.generation_events (artwork_id, new_status)
        VALUES (NEW.id, NEW.generation_status);
    ELSIF NEW.generation_status IS DISTINCT FROM OLD.generation_status THEN
        INSERT INTO public.generation_events (artwork_id, old_status, new_status, details)
        VALUES (NEW.id, OLD.generation_status, NEW.generation_status,
                jsonb_strip_nulls(jsonb_build_object('error', NEW.error_message)));
    END IF;
    RETURN NULL;
END;
$$;

REVOKE EXECUTE ON FUNCTION public.log_generation_event() FROM PUBLIC, anon, authenticated;

CREATE TRIGGER artworks_log_generation
    AFTER INSERT OR UPDATE OF generation_status ON public.artworks
    FOR EACH ROW EXECUTE FUNCTION public.log_generation_event();

-- A partition read directly does not obey the policies of its parent, so each
-- has row security of its own and, without a policy or a grant, stays closed.
ALTER TABLE public.generation_events ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.generation_events_2026h1 ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.generation_events_2026h2 ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.generation_events_default ENABLE ROW LEVEL SECURITY;

REVOKE ALL ON public.generation_events, public.generation_events_2026h1,
    public.generation_events_2026h2, public.generation_events_default FROM anon, authenticated;

CREATE POLICY generation_events_read_own ON public.generation_events
    FOR SELECT TO authenticated
    USING (EXISTS (SELECT 1 FROM public.artworks a
                   WHERE a.id = artwork_id AND a.owner_id = (SELECT public.current_user_id())));

GRANT SELECT ON public.generation_events TO authenticated;

UPDATE schema_version SET version = 8, applied_at = NOW(), description = 'Add the history of generations';

COMMIT;
