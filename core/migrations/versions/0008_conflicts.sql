-- Which department says otherwise about an entity than the one whose value is in the golden record (`against`), attribute by
-- attribute; or has its number under another name (`kind` name). Made with the golden records, never beside them; holds no
-- values: those are in the records, and are explained on demand (libraries/why.py).
CREATE TABLE libraries.conflict (
  library    text NOT NULL,
  entity_id  uuid NOT NULL,
  attribute  text NOT NULL,
  department text NOT NULL,
  kind       text NOT NULL CHECK (kind IN ('value', 'name')),
  dataset    text NOT NULL,
  against    text,
  since      timestamptz,
  PRIMARY KEY (library, entity_id, attribute, department, kind)
);
CREATE INDEX ON libraries.conflict (library, attribute, department);
