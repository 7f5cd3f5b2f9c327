-- A scan of keys is a batch of its own sort: pipeline/key_scan.py
ALTER TABLE hub.batch DROP CONSTRAINT batch_origin_check,
  ADD CONSTRAINT batch_origin_check CHECK (origin IN ('feed', 'replay', 'key_scan'));

-- What a flagged source last said of each record, removed ones too: a push that comes late must not undo a newer one. One row
-- for the version that counts, one for the latest that waits in quarantine. Marks order as (number, text): pipeline/pushes.py
CREATE TABLE hub.pushed (
  feed     text NOT NULL,
  key      bytea NOT NULL,
  waits    boolean NOT NULL,
  number   numeric NOT NULL,
  text     text COLLATE "C" NOT NULL,
  batch_id uuid NOT NULL REFERENCES hub.batch,
  PRIMARY KEY (feed, key, waits)
);
