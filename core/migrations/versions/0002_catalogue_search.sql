-- A resource is described by its contract (live) or by its department's listing (known, not connected yet). What it is
-- looked for by: every distinct text once (a term), and every place where it stands (an entry). Both are derived: the
-- registry makes them anew from the documents when their rules change (catalog_registry/index.py).
ALTER TABLE hub.resource
  DROP COLUMN search,
  ADD COLUMN origin         text NOT NULL DEFAULT 'contract' CHECK (origin IN ('contract', 'listing')),
  ADD COLUMN resource_class text NOT NULL DEFAULT '',
  ADD COLUMN format         text NOT NULL DEFAULT '',
  ADD COLUMN share_type     smallint NOT NULL DEFAULT 0,
  ADD COLUMN cycle          smallint NOT NULL DEFAULT 0,
  ADD COLUMN period         interval,                              -- what the cycle promises; a listed one promises nothing
  ADD COLUMN described      jsonb NOT NULL DEFAULT '{}',
  ADD COLUMN sort_name      text COLLATE "C" NOT NULL DEFAULT '',  -- the title as pinyin
  ADD COLUMN indexed        smallint NOT NULL DEFAULT 0;           -- the rules its entries were made by
-- a list of resources reads every row but never `described`: it lies apart
ALTER TABLE hub.resource SET (toast_tuple_target = 512);
CREATE INDEX ON hub.resource (department);

CREATE TABLE hub.catalogue_term (
  id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  text     text COLLATE "C" NOT NULL UNIQUE,  -- normalised
  initials text COLLATE "C" NOT NULL,         -- of its pinyin; empty for long texts
  pinyin   text COLLATE "C" NOT NULL,
  lexemes  tsvector NOT NULL
);
CREATE INDEX ON hub.catalogue_term USING gin (lexemes);
CREATE TABLE hub.catalogue_entry (
  dataset    text NOT NULL REFERENCES hub.resource,
  place      smallint NOT NULL,     -- catalog_registry/lexemes.py: Place
  position   smallint NOT NULL,
  name       text NOT NULL,         -- of the item
  label      text NOT NULL,         -- as written
  share_type smallint,              -- of the item
  term       bigint NOT NULL REFERENCES hub.catalogue_term,
  PRIMARY KEY (dataset, place, position)
);
CREATE INDEX ON hub.catalogue_entry (term);

-- what a department has said of itself: its systems, and that it has nothing (more) to register
CREATE TABLE hub.department_listing (
  department  text PRIMARY KEY,
  reported_on date NOT NULL,
  zero_report boolean NOT NULL,
  note        text NOT NULL
);
CREATE TABLE hub.listed_system (
  id         text PRIMARY KEY,
  title      text NOT NULL,
  department text NOT NULL
);
CREATE INDEX ON hub.listed_system (department);
