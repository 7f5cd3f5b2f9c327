-- What named persons have judged. Append-only: a decision is undone by another one. It changes nothing by itself; the
-- journeys read those in force, so that the libraries can be made again from the landing and these (core/decisions.py).
CREATE TABLE hub.decision (
  seq      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  id       uuid NOT NULL UNIQUE,
  at       timestamptz NOT NULL DEFAULT clock_timestamp(),
  kind     text NOT NULL,
  about    text NOT NULL,           -- what it is about in the words of its kind: a feed, an item, an entity
  batch_id uuid REFERENCES hub.batch,
  row_no   bigint,                  -- of that batch's landed rows
  body     jsonb NOT NULL DEFAULT '{}',
  reason   text NOT NULL CHECK (reason <> ''),
  actor    jsonb NOT NULL,
  undoes   uuid UNIQUE REFERENCES hub.decision (id)
);
CREATE INDEX ON hub.decision (kind, about);
CREATE INDEX ON hub.decision (batch_id, row_no) WHERE batch_id IS NOT NULL;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON hub.decision FOR EACH ROW EXECUTE FUNCTION hub.refuse_change();
