-- Judgements of who is who are decisions of kind `judge` (libraries/judgements.py): about two identity claims, each a kind
-- of number, a number and a name. Read here as they stand, from either side, so that nothing has to be kept in step.
CREATE INDEX ON hub.decision ((body #>> '{a,form}')) WHERE kind = 'judge';
CREATE INDEX ON hub.decision ((body #>> '{b,form}')) WHERE kind = 'judge';
CREATE VIEW libraries.judgement AS
  SELECT d.id, d.body ->> 'library' AS library, d.body ->> 'verdict' AS verdict,
    d.body #>> '{a,kind}' AS kind, d.body #>> '{a,form}' AS form, d.body #>> '{a,number}' AS number, d.body #>> '{a,name}' AS name,
    d.body #>> '{b,kind}' AS other_kind, d.body #>> '{b,form}' AS other_form, d.body #>> '{b,number}' AS other_number,
    d.body #>> '{b,name}' AS other_name
  FROM hub.decision d WHERE d.kind = 'judge' AND d.undoes IS NULL AND NOT EXISTS (SELECT FROM hub.decision u WHERE u.undoes = d.id)
  UNION ALL
  SELECT d.id, d.body ->> 'library', d.body ->> 'verdict',
    d.body #>> '{b,kind}', d.body #>> '{b,form}', d.body #>> '{b,number}', d.body #>> '{b,name}',
    d.body #>> '{a,kind}', d.body #>> '{a,form}', d.body #>> '{a,number}', d.body #>> '{a,name}'
  FROM hub.decision d WHERE d.kind = 'judge' AND d.undoes IS NULL AND NOT EXISTS (SELECT FROM hub.decision u WHERE u.undoes = d.id);
GRANT SELECT ON libraries.judgement TO hutong_answer;

-- the judgements, and the decisions that ended some, by which links were last made; any other makes its numbers' anew
CREATE TABLE libraries.judged (decision uuid PRIMARY KEY);

-- By what name an entity goes, beside its number: a corrected number with this name is the same entity. It was read from the
-- golden record, which a judgement changes.
ALTER TABLE libraries.entity ADD COLUMN name text;
UPDATE libraries.entity e SET name = g.attributes -> 'name' ->> 'value' FROM libraries.golden g
  WHERE g.library = e.library AND g.entity_id = e.id;

-- those whom nobody's golden record is made of, though a number is there: what is to be judged
CREATE INDEX ON libraries.mention (id_value) WHERE entity_id IS NULL AND NOT pending AND name IS NOT NULL;

-- What registers and judgements make of a number with a name, in turn: claims (number, name) of one person or organisation.
-- A register's word does not reach what is judged different from its subject's present number and name.
ALTER FUNCTION libraries.also_known RENAME TO registered_as;
CREATE FUNCTION libraries.form_of(number text) RETURNS text IMMUTABLE LANGUAGE sql RETURN
  CASE WHEN length(number) = 18 THEN substr(number, 9, 9) ELSE number END;
CREATE FUNCTION libraries.registered_claims(number text, name text) RETURNS TABLE (number text, name text) STABLE LANGUAGE sql AS $$
  WITH named AS MATERIALIZED (
    SELECT k.of_dataset AS dataset, k.of_key AS key, k.role FROM libraries.known_as k
    WHERE k.kind = 'number' AND k.form = $1
    UNION
    SELECT m.dataset, m.key, m.role FROM libraries.mention m WHERE m.id_value = $1 AND EXISTS (
      SELECT FROM libraries.known_as k WHERE (k.of_dataset, k.of_key, k.role) = (m.dataset, m.key, m.role))
  ), said AS MATERIALIZED (
    SELECT n.*, k.kind, k.value FROM named n JOIN libraries.known_as k ON k.of_dataset = n.dataset AND k.of_key = n.key
      AND k.role = n.role
    UNION
    SELECT n.*, a.kind, a.value FROM named n JOIN libraries.mention m USING (dataset, key, role)
      CROSS JOIN LATERAL (VALUES ('number', m.id_value), ('name', m.name)) AS a (kind, value)
  )
  SELECT DISTINCT no.value, na.value FROM said no JOIN said na USING (dataset, key, role)
  WHERE no.kind = 'number' AND na.kind = 'name' AND no.value IS NOT NULL AND na.value IS NOT NULL
    AND EXISTS (SELECT FROM said o WHERE (o.dataset, o.key, o.role) = (no.dataset, no.key, no.role) AND o.kind = 'name'
      AND o.value = $2)
    AND NOT EXISTS (SELECT FROM libraries.mention m JOIN libraries.judgement j ON j.verdict = 'different' AND j.name = m.name
        AND j.form IN (m.id_value, libraries.form_of(m.id_value))
      WHERE (m.dataset, m.key, m.role) = (no.dataset, no.key, no.role)
        AND ((j.other_form IN ($1, libraries.form_of($1)) AND j.other_name = $2)
          OR (j.other_form IN (no.value, libraries.form_of(no.value)) AND j.other_name = na.value)))
$$;

-- All numbers and names of whoever has one of these numbers and one of these names, as registers and judgements have it; and as
-- `apart`, each a number with a name, the claims that are judged to be somebody else's.
CREATE FUNCTION libraries.also_known(forms text[], names text[]) RETURNS TABLE (kind text, value text, name text)
STABLE LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  kinds text[];
  found text[];
BEGIN
  SELECT array_agg(r.kind), array_agg(r.value) INTO kinds, found FROM libraries.registered_as(forms, names) r;
  IF NOT EXISTS (SELECT FROM libraries.judgement j WHERE j.verdict <> 'unsure'
      AND j.form = ANY(forms || found || ARRAY(SELECT libraries.form_of(f) FROM unnest(found) f))) THEN
    RETURN QUERY SELECT r.kind, r.value, NULL::text FROM unnest(kinds, found) AS r (kind, value);
    RETURN;
  END IF;
  RETURN QUERY
    WITH RECURSIVE claim (number, name) AS (
      SELECT f.f, n.n FROM unnest(forms) AS f (f) CROSS JOIN unnest(names) AS n (n)
      UNION
      SELECT next.number, next.name FROM claim c CROSS JOIN LATERAL (
        SELECT written.number, j.other_name AS name FROM libraries.judgement j CROSS JOIN LATERAL (
            SELECT j.other_form AS number UNION SELECT j.other_number UNION SELECT m.id_value FROM libraries.mention m
            WHERE substr(m.id_value, 9, 9) = j.other_form AND length(m.id_value) = 18
              AND m.id_kind IN ('uscc', 'organisation_code', 'business_licence')) written
          WHERE j.verdict = 'same' AND j.form IN (c.number, libraries.form_of(c.number)) AND j.name = c.name
        UNION ALL
        SELECT r.number, r.name FROM libraries.registered_claims(c.number, c.name) r
      ) next
    ), other (form, name) AS (
      SELECT j.other_form, j.other_name FROM claim c JOIN libraries.judgement j ON j.verdict = 'different'
        AND j.form IN (c.number, libraries.form_of(c.number)) AND j.name = c.name
      UNION
      SELECT j.other_form, j.other_name FROM other o JOIN libraries.judgement j ON j.verdict = 'same'
        AND j.form = o.form AND j.name = o.name
    )
    SELECT DISTINCT 'number', c.number, NULL::text FROM claim c
    UNION ALL SELECT DISTINCT 'name', c.name, NULL FROM claim c
    UNION ALL SELECT DISTINCT 'apart', written.number, o.name FROM other o CROSS JOIN LATERAL (
      SELECT o.form AS number UNION SELECT m.id_value FROM libraries.mention m
      WHERE substr(m.id_value, 9, 9) = o.form AND length(m.id_value) = 18
        AND m.id_kind IN ('uscc', 'organisation_code', 'business_licence')) written
      WHERE NOT EXISTS (SELECT FROM claim c WHERE c.number = written.number AND c.name = o.name);
END $$;
