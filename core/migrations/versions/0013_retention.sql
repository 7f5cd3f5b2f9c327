-- What is not kept for ever, and what says so afterwards (pipeline/retention.py).

-- A batch whose landed files were removed: its manifest stays. A rebuild begins at a checkpoint that it is in.
ALTER TABLE hub.batch ADD COLUMN files_removed_at timestamptz, ADD COLUMN in_checkpoint boolean NOT NULL DEFAULT false;

-- Everything as it was made anew from the landing up to a batch, proven the same as the libraries then; the files lie in the
-- landing store. Only the last one is kept.
CREATE TABLE hub.checkpoint (
  id       uuid PRIMARY KEY,
  seq      bigint NOT NULL,            -- of the last batch in it
  batches  bigint NOT NULL,
  revision text NOT NULL,              -- of the tables in it
  bytes    bigint NOT NULL,
  sha256   text NOT NULL,
  made_at  timestamptz NOT NULL DEFAULT now()
);

-- Versions of a dataset's records that ended before that moment are gone; a rebuild leaves them out too.
CREATE TABLE hub.history_cut (
  dataset text PRIMARY KEY,
  before  timestamptz NOT NULL,
  cut_at  timestamptz NOT NULL DEFAULT now()
);

-- Who asked about whom is kept for three years at least, whatever is set; nothing of it is ever changed.
CREATE FUNCTION hub.refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN
  IF TG_OP = 'DELETE' AND OLD.at < now() - interval '3 years' AND current_setting('hutong.retention', true) = 'on' THEN
    RETURN OLD;
  END IF;
  RAISE EXCEPTION '% is append-only', TG_TABLE_NAME;
END $$;
DROP TRIGGER append_only ON hub.audit;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON hub.audit FOR EACH ROW EXECUTE FUNCTION hub.refuse_audit_change();
