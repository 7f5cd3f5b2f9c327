-- What a register says its subject was, or is also, known as: a number before its correction, a name before its change, a
-- firm's registration number beside its credit code. Written with the records, in the merge's transaction, so it is true of
-- the records whatever the refresh of golden records has done. (dataset, key) is the record that says it; (of_dataset,
-- of_key) the record it is said of, the same one or one it refers to, which may not have come yet; `role` is a role of that.
CREATE TABLE libraries.known_as (
  dataset    text NOT NULL,
  key        bytea NOT NULL,
  role       text NOT NULL,
  attribute  text NOT NULL,
  library    text NOT NULL,
  kind       text NOT NULL CHECK (kind IN ('number', 'name')),
  value      text NOT NULL,
  form       text NOT NULL,  -- what all written forms of the number have in common: libraries/kind.py
  of_dataset text NOT NULL,
  of_key     bytea NOT NULL,
  PRIMARY KEY (dataset, key, role, attribute)
);
CREATE INDEX ON libraries.known_as (form) WHERE kind = 'number';
CREATE INDEX ON libraries.known_as (of_dataset, of_key, role);
GRANT SELECT ON libraries.known_as TO hutong_answer;

-- All numbers and names of whoever a register knows, now or formerly, by one of these numbers and one of these names.
-- Nobody for a number with a name that the register does not know: people can share a number.
CREATE FUNCTION libraries.also_known(forms text[], names text[]) RETURNS TABLE (kind text, value text) STABLE LANGUAGE sql AS $$
  WITH named AS MATERIALIZED (
    SELECT k.of_dataset AS dataset, k.of_key AS key, k.role FROM libraries.known_as k
    WHERE k.kind = 'number' AND k.form = ANY(forms)
    UNION
    SELECT m.dataset, m.key, m.role FROM libraries.mention m WHERE m.id_value = ANY(forms) AND EXISTS (
      SELECT FROM libraries.known_as k WHERE (k.of_dataset, k.of_key, k.role) = (m.dataset, m.key, m.role))
  ), said AS MATERIALIZED (
    SELECT n.*, k.kind, k.value FROM named n JOIN libraries.known_as k ON k.of_dataset = n.dataset AND k.of_key = n.key
      AND k.role = n.role
    UNION
    SELECT n.*, a.kind, a.value FROM named n JOIN libraries.mention m USING (dataset, key, role)
      CROSS JOIN LATERAL (VALUES ('number', m.id_value), ('name', m.name)) AS a (kind, value)
  )
  SELECT DISTINCT s.kind, s.value FROM said s WHERE s.value IS NOT NULL AND EXISTS (
    SELECT FROM said o WHERE (o.dataset, o.key, o.role) = (s.dataset, s.key, s.role) AND o.kind = 'name'
      AND o.value = ANY(names))
$$;
