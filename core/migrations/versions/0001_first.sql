CREATE SCHEMA hub;         -- what the exchange knows of itself
CREATE SCHEMA records;     -- <dataset> and <dataset>_history, derived from contracts
CREATE SCHEMA libraries;   -- mentions, entities, golden records
CREATE SCHEMA staging;     -- unlogged, one set of tables per running batch

-- ------------------------------------------------------------------ documents
CREATE TABLE hub.publication (
  n      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at     timestamptz NOT NULL DEFAULT now(),
  actor  jsonb NOT NULL
);
CREATE TABLE hub.document (
  kind         text NOT NULL,
  id           text NOT NULL,
  version      text NOT NULL,
  body         text NOT NULL,
  sha256       text NOT NULL,
  withdrawn    boolean NOT NULL DEFAULT false,
  publication  bigint NOT NULL REFERENCES hub.publication,
  published_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (kind, id, publication)
);
CREATE TABLE hub.resource (
  dataset       text PRIMARY KEY,
  code          text NOT NULL UNIQUE,
  class_path    text NOT NULL,
  sequence      bigint NOT NULL,
  department    text NOT NULL,
  title         text NOT NULL,
  status        text NOT NULL DEFAULT 'published',
  search        tsvector,
  registered_at timestamptz NOT NULL DEFAULT now(),
  updated_at    timestamptz NOT NULL DEFAULT now(),
  UNIQUE (class_path, sequence)
);
CREATE INDEX ON hub.resource USING gin (search);

-- ------------------------------------------------------------------ batches and what was found in them
CREATE TABLE hub.batch (
  id               uuid PRIMARY KEY,
  seq              bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
  feed             text NOT NULL,
  system           text NOT NULL,
  dataset          text NOT NULL,
  origin           text NOT NULL DEFAULT 'feed' CHECK (origin IN ('feed', 'replay')),
  mode             text NOT NULL CHECK (mode IN ('full', 'incremental', 'flagged')),
  state            text NOT NULL DEFAULT 'extracting'
                   CHECK (state IN ('extracting', 'landed', 'blocked', 'merged', 'delivered', 'dropped', 'failed')),
  contract_version text NOT NULL,
  contract_sha     text NOT NULL,
  system_sha       text NOT NULL,
  since            text,
  watermark        text,
  source_rows      bigint,
  landed_rows      bigint,
  evidence         jsonb NOT NULL DEFAULT '{}',
  reason           jsonb,
  actor            jsonb NOT NULL,
  started_at       timestamptz NOT NULL DEFAULT now(),
  landed_at        timestamptz,
  merged_at        timestamptz,
  delivered_at     timestamptz
);
CREATE INDEX ON hub.batch (feed, seq DESC);
CREATE INDEX ON hub.batch (dataset, seq DESC);
CREATE TABLE hub.finding (
  batch_id  uuid NOT NULL REFERENCES hub.batch,
  row_no    bigint NOT NULL,
  dataset   text NOT NULL,
  item      text NOT NULL,
  rule      text NOT NULL,
  severity  text NOT NULL CHECK (severity IN ('error', 'warning')),
  dimension text NOT NULL,
  raw       text,
  PRIMARY KEY (batch_id, row_no, item, rule)
);
CREATE INDEX ON hub.finding (dataset, rule);
CREATE TABLE hub.quarantine (
  batch_id       uuid NOT NULL REFERENCES hub.batch,
  row_no         bigint NOT NULL,
  feed           text NOT NULL,
  system         text NOT NULL,
  dataset        text NOT NULL,
  key            bytea,
  source_key     jsonb,
  row            jsonb NOT NULL,
  status         text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'fixed', 'excused', 'dismissed', 'closed_by_source')),
  quarantined_at timestamptz NOT NULL DEFAULT now(),
  closed_at      timestamptz,
  PRIMARY KEY (batch_id, row_no)
);
CREATE INDEX ON hub.quarantine (dataset, key) WHERE status = 'open';
CREATE INDEX ON hub.quarantine (feed) WHERE status = 'open';
-- best-effort numbers and names of a waiting row: whoever they could be, "none found" may not be said of
CREATE TABLE hub.quarantine_subject (
  batch_id uuid NOT NULL,
  row_no   bigint NOT NULL,
  dataset  text NOT NULL,
  role     text NOT NULL,
  part     integer NOT NULL,
  number   text,
  name     text,
  PRIMARY KEY (batch_id, row_no, role, part),
  FOREIGN KEY (batch_id, row_no) REFERENCES hub.quarantine
);
CREATE INDEX ON hub.quarantine_subject (number);
CREATE INDEX ON hub.quarantine_subject (name);

-- ------------------------------------------------------------------ who may ask what
CREATE TABLE hub.service_item (
  id         text PRIMARY KEY,
  name       text NOT NULL,
  department text NOT NULL,
  body       jsonb NOT NULL DEFAULT '{}',
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE hub.client (
  id          text PRIMARY KEY,
  name        text NOT NULL,
  department  text NOT NULL,
  secret_hash text NOT NULL,
  valid_from  timestamptz NOT NULL DEFAULT now(),
  valid_to    timestamptz,
  created_at  timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE hub.access_grant (
  id               uuid PRIMARY KEY,
  department       text NOT NULL,
  service_item     text NOT NULL REFERENCES hub.service_item,
  certificate_type text NOT NULL,
  fields           text[] NOT NULL,
  valid_from       timestamptz NOT NULL DEFAULT now(),
  valid_to         timestamptz,
  given_by         jsonb NOT NULL,
  ended_by         jsonb
);
CREATE INDEX ON hub.access_grant (department, service_item, certificate_type);
CREATE TABLE hub.secret (
  name       text PRIMARY KEY,
  kid        text NOT NULL,
  ciphertext bytea NOT NULL,
  updated_at timestamptz NOT NULL DEFAULT now()
);

-- ------------------------------------------------------------------ events and audit, append-only
CREATE TABLE hub.event (
  seq   bigint GENERATED ALWAYS AS IDENTITY,
  xid   xid8 NOT NULL DEFAULT pg_current_xact_id(),
  id    uuid NOT NULL UNIQUE,
  at    timestamptz NOT NULL DEFAULT clock_timestamp(),
  type  text NOT NULL,
  about text NOT NULL,
  body  jsonb NOT NULL,
  actor jsonb NOT NULL,
  PRIMARY KEY (xid, seq)
);
CREATE INDEX ON hub.event (about, at);
CREATE TABLE hub.audit (
  id           uuid PRIMARY KEY,
  at           timestamptz NOT NULL,
  kind         text NOT NULL,
  department   text NOT NULL,
  client       text NOT NULL,
  operator     text NOT NULL,
  service_item text NOT NULL,
  case_no      text NOT NULL,
  subject      text NOT NULL,
  kid          text NOT NULL,
  canonical    bytea NOT NULL,
  hash         bytea NOT NULL
);
CREATE INDEX ON hub.audit (subject, at);
CREATE INDEX ON hub.audit (department, at);
CREATE FUNCTION hub.refuse_change() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON hub.audit FOR EACH ROW EXECUTE FUNCTION hub.refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON hub.event FOR EACH ROW EXECUTE FUNCTION hub.refuse_change();

-- ------------------------------------------------------------------ libraries
CREATE TABLE libraries.entity (
  id         uuid PRIMARY KEY,
  library    text NOT NULL,
  id_kind    text NOT NULL,
  id_value   text NOT NULL,
  dirty      boolean NOT NULL DEFAULT true,
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ON libraries.entity (library, id_value);
CREATE INDEX ON libraries.entity (id) WHERE dirty;
-- who is named in a record: keyed by where it stands, not by who it is
CREATE TABLE libraries.mention (
  dataset   text NOT NULL,
  key       bytea NOT NULL,
  role      text NOT NULL,
  part      integer NOT NULL,
  system    text NOT NULL,
  id_kind   text,
  id_value  text,
  name      text,
  entity_id uuid,
  pending   boolean NOT NULL DEFAULT true,
  PRIMARY KEY (dataset, key, role, part)
);
CREATE INDEX ON libraries.mention (id_value);
-- who is named, those without a whole 18-character number first: no number, one masked at the source, one of another kind
CREATE INDEX ON libraries.mention (name, (coalesce(length(id_value) = 18 AND strpos(id_value, '*') = 0, false)));
CREATE INDEX ON libraries.mention (entity_id) WHERE entity_id IS NOT NULL;
CREATE INDEX ON libraries.mention (id_value) WHERE pending;
-- an organisation is looked for by the nine characters that its credit code contains (GB 32100)
CREATE INDEX ON libraries.mention (substr(id_value, 9, 9))
  WHERE length(id_value) = 18 AND id_kind IN ('uscc', 'organisation_code', 'business_licence');
CREATE TABLE libraries.golden (
  library    text NOT NULL,
  entity_id  uuid NOT NULL,
  attributes jsonb NOT NULL,
  refreshed_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (library, entity_id)
);

-- the rules the golden records were last made by: what differs from those in force is made again. dataset '' = the library's own
CREATE TABLE libraries.rules (
  library text NOT NULL,
  dataset text NOT NULL,
  body    jsonb NOT NULL,
  PRIMARY KEY (library, dataset)
);

-- ------------------------------------------------------------------ the role that answers: reads shared records, writes only audit rows
DO $$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'hutong_answer') THEN CREATE ROLE hutong_answer NOLOGIN; END IF;
  EXECUTE format('GRANT hutong_answer TO %I', current_user);
END $$;
GRANT USAGE ON SCHEMA hub, records, libraries TO hutong_answer;
GRANT SELECT ON hub.publication, hub.document, hub.resource, hub.batch, hub.quarantine, hub.quarantine_subject, hub.service_item,
  hub.client, hub.access_grant TO hutong_answer;
GRANT SELECT (batch_id, row_no, item, severity) ON hub.finding TO hutong_answer;
GRANT SELECT ON ALL TABLES IN SCHEMA libraries TO hutong_answer;
ALTER DEFAULT PRIVILEGES IN SCHEMA records GRANT SELECT ON TABLES TO hutong_answer;
GRANT INSERT ON hub.audit TO hutong_answer;
