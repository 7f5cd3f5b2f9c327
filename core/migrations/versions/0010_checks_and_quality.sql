-- What checks of datasets against each other found (pipeline/checks.py). A finding names two records, is closed by the run
-- that no longer finds it, and never changes a value. Departments are those whose lists it stands in.
CREATE TABLE hub.check_finding (
  id             uuid PRIMARY KEY DEFAULT uuidv7(),
  check_id       text NOT NULL,
  first_dataset  text NOT NULL,
  first_key      bytea NOT NULL,
  second_dataset text NOT NULL,
  second_key     bytea NOT NULL,
  departments    text[] NOT NULL,
  dimension      text NOT NULL,
  severity       text NOT NULL CHECK (severity IN ('error', 'warning')),
  status         text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'closed')),
  first_seen     timestamptz NOT NULL,
  last_seen      timestamptz NOT NULL,
  closed_at      timestamptz,
  UNIQUE (check_id, first_dataset, first_key, second_dataset, second_key)
);
CREATE INDEX ON hub.check_finding USING gin (departments) WHERE status = 'open';
CREATE INDEX ON hub.check_finding (first_dataset) WHERE status = 'open';
CREATE INDEX ON hub.check_finding (second_dataset) WHERE status = 'open';
-- the last run of each check, and what it stood on: only what has changed since is looked at again
CREATE TABLE hub.check_run (
  check_id text PRIMARY KEY,
  ran_at   timestamptz NOT NULL,
  stood_on jsonb NOT NULL,
  open     bigint NOT NULL,
  opened   bigint NOT NULL,
  closed   bigint NOT NULL,
  seconds  double precision NOT NULL
);

-- How good each dataset is now, in the six dimensions of GB/T 36344 (monitoring/quality.py); a batch's own stands in its evidence.
CREATE TABLE hub.quality (
  dataset     text NOT NULL,
  dimension   text NOT NULL,
  good        bigint NOT NULL,
  assessed    bigint NOT NULL,
  measured_at timestamptz NOT NULL,
  PRIMARY KEY (dataset, dimension)
);
