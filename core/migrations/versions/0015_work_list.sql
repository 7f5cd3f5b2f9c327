-- the last decision a batch was made with: codes are mapped as they stood then
ALTER TABLE hub.batch ADD COLUMN decided_upto bigint;
UPDATE hub.batch SET decided_upto = 0 WHERE state IN ('merged', 'delivered');  -- nobody had mapped a code
-- the decisions a waiting row's status comes from; those in force that are not here wait for the next replay
ALTER TABLE hub.quarantine ADD COLUMN decisions uuid[] NOT NULL DEFAULT '{}';
-- an excused row is doubtful: like one that waits, it forbids saying that nothing is held
CREATE INDEX ON hub.quarantine (dataset, key) WHERE status IN ('open', 'excused');
CREATE INDEX ON hub.quarantine (feed) WHERE status <> 'closed_by_source';
CREATE INDEX ON hub.quarantine (quarantined_at, batch_id, row_no);
-- the rows a decision is about, one or many: a bulk act is one decision, undone by one
CREATE TABLE hub.decided_row (
  batch_id uuid NOT NULL REFERENCES hub.batch,
  row_no   bigint NOT NULL,
  decision uuid NOT NULL REFERENCES hub.decision (id),
  PRIMARY KEY (batch_id, row_no, decision)
);
CREATE INDEX ON hub.decided_row (decision);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON hub.decided_row FOR EACH ROW EXECUTE FUNCTION hub.refuse_change();
-- what a replay did about a waiting row: which landed row of the replay is about which case
CREATE TABLE hub.replayed (
  batch_id   uuid NOT NULL REFERENCES hub.batch,
  row_no     bigint NOT NULL,
  act        text NOT NULL CHECK (act IN ('put', 'restore', 'take_out')),
  case_batch uuid NOT NULL,
  case_row   bigint NOT NULL,
  key        bytea NOT NULL,
  decisions  uuid[] NOT NULL,
  PRIMARY KEY (batch_id, row_no)
);
CREATE INDEX ON hub.replayed (case_batch, case_row);
-- answers to acts that carried an Idempotency-Key: the same act sent twice is done once
CREATE TABLE hub.idempotent (
  client  text NOT NULL,
  key     text NOT NULL,
  request bytea NOT NULL,
  status  integer NOT NULL,
  answer  jsonb NOT NULL,
  at      timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (client, key)
);
CREATE INDEX ON hub.idempotent (at);
