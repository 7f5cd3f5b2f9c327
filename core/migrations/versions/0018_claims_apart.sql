-- Whose a number with a name is, exactly: the same claims that links are made by (libraries/judged.py), so that an answer never
-- takes in what the golden record keeps out. What was found came as numbers and as names, each number with each name; now what
-- is nobody's word among these is said as well, and that judgements contradict one another.
DROP FUNCTION libraries.also_known(text[], text[]);
DROP FUNCTION libraries.registered_claims(text, text);

-- every way in which records write a number of this form
CREATE FUNCTION libraries.written(form text) RETURNS SETOF text STABLE LANGUAGE sql AS $$
  SELECT $1 UNION SELECT m.id_value FROM libraries.mention m
  WHERE substr(m.id_value, 9, 9) = $1 AND length(m.id_value) = 18 AND m.id_kind IN ('uscc', 'organisation_code', 'business_licence')
$$;

-- what a register's record says of its subject: each number, now or formerly, with each name; `own` are those it has now
CREATE FUNCTION libraries.claims_of(dataset text, key bytea, role text) RETURNS TABLE (number text, name text, own boolean)
STABLE LANGUAGE sql AS $$
  WITH said AS MATERIALIZED (
    SELECT k.kind, k.value, false AS own FROM libraries.known_as k WHERE (k.of_dataset, k.of_key, k.role) = ($1, $2, $3)
    UNION ALL
    SELECT a.kind, a.value, true FROM libraries.mention m
      CROSS JOIN LATERAL (VALUES ('number', m.id_value), ('name', m.name)) AS a (kind, value)
    WHERE (m.dataset, m.key, m.role) = ($1, $2, $3) AND a.value IS NOT NULL
  )
  SELECT no.value, na.value, bool_or(no.own AND na.own) FROM said no CROSS JOIN said na
  WHERE no.kind = 'number' AND na.kind = 'name' GROUP BY 1, 2
$$;

-- The register's record that a claim belongs to: whose number and name it is now; else whose number with a former name; else
-- whose former number. None where that is said of two, or where the claim is judged different from anything else the record says.
CREATE FUNCTION libraries.placed(number text, name text) RETURNS TABLE (dataset text, key bytea, role text)
STABLE LANGUAGE sql AS $$
  WITH possible AS MATERIALIZED (
    SELECT k.of_dataset AS dataset, k.of_key AS key, k.role FROM libraries.known_as k
    WHERE k.kind = 'number' AND k.form IN ($1, libraries.form_of($1))
    UNION
    SELECT m.dataset, m.key, m.role FROM libraries.mention m WHERE m.id_value = $1 AND EXISTS (
      SELECT FROM libraries.known_as k WHERE (k.of_dataset, k.of_key, k.role) = (m.dataset, m.key, m.role))
  ), claimed AS MATERIALIZED (
    SELECT p.dataset, p.key, p.role, m.id_value, m.name,
      CASE WHEN m.id_value <> $1 THEN 3 WHEN m.name <> $2 THEN 2 ELSE 1 END AS level
    FROM possible p JOIN libraries.mention m USING (dataset, key, role)
    WHERE m.name = $2 OR m.id_value IS NOT NULL AND m.name IS NOT NULL AND EXISTS (
      SELECT FROM libraries.known_as k WHERE (k.of_dataset, k.of_key, k.role) = (p.dataset, p.key, p.role)
        AND k.kind = 'name' AND k.value = $2)
  ), nearest AS MATERIALIZED (
    SELECT * FROM claimed WHERE level = (SELECT min(level) FROM claimed)
  )
  SELECT n.dataset, n.key, n.role FROM nearest n WHERE (SELECT count(DISTINCT (id_value, name)) FROM nearest) = 1
    AND (n.level = 1 OR NOT EXISTS (
      SELECT FROM libraries.judgement j JOIN libraries.claims_of(n.dataset, n.key, n.role) c
        ON j.other_form IN (c.number, libraries.form_of(c.number)) AND j.other_name = c.name
      WHERE j.verdict = 'different' AND j.form IN ($1, libraries.form_of($1)) AND j.name = $2))
$$;

-- All claims of whoever has one of these numbers and one of these names, by the word of registers and, where `judged`, by what
-- is judged the same, in turn.
CREATE FUNCTION libraries.same_claims(forms text[], names text[], judged boolean) RETURNS TABLE (number text, name text)
STABLE LANGUAGE sql AS $$
  WITH RECURSIVE claim (number, name) AS (
    SELECT f.f, n.n FROM unnest($1) AS f (f) CROSS JOIN unnest($2) AS n (n)
    UNION
    SELECT next.number, next.name FROM claim c CROSS JOIN LATERAL (
      SELECT w.number, j.other_name AS name FROM libraries.judgement j CROSS JOIN LATERAL (
        SELECT libraries.written(j.other_form) UNION SELECT j.other_number) AS w (number)
      WHERE $3 AND j.verdict = 'same' AND j.form IN (c.number, libraries.form_of(c.number)) AND j.name = c.name
      UNION ALL
      SELECT d.number, d.name FROM libraries.placed(c.number, c.name) r
        CROSS JOIN LATERAL libraries.claims_of(r.dataset, r.key, r.role) d
      WHERE d.own OR EXISTS (SELECT FROM libraries.placed(d.number, d.name) p
        WHERE (p.dataset, p.key, p.role) = (r.dataset, r.key, r.role))
    ) next
  )
  SELECT c.number, c.name FROM claim c
$$;

-- All numbers and names of whoever has one of these numbers and one of these names, as registers and judgements have it. Where
-- anything is judged of them also, each a number with a name: `apart`, the claims judged to be somebody else's; `stranger`, one of
-- the numbers with one of the names that nobody says belong together; and `contradicted`, when registers and judgements
-- contradict one another: then what is judged the same is without effect.
CREATE FUNCTION libraries.also_known(forms text[], names text[]) RETURNS TABLE (kind text, value text, name text)
STABLE LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  kinds text[];
  found text[];
  numbers text[];
  called text[];
  contradicted boolean;
BEGIN
  SELECT array_agg(r.kind), array_agg(r.value) INTO kinds, found FROM libraries.registered_as(forms, names) r;
  IF NOT EXISTS (SELECT FROM libraries.judgement j WHERE j.verdict <> 'unsure'
      AND j.form = ANY(forms || found || ARRAY(SELECT libraries.form_of(f) FROM unnest(found) f))) THEN
    RETURN QUERY SELECT r.kind, r.value, NULL::text FROM unnest(kinds, found) AS r (kind, value);
    RETURN;
  END IF;
  SELECT array_agg(c.number), array_agg(c.name) INTO numbers, called FROM libraries.same_claims(forms, names, true) c;
  SELECT EXISTS (SELECT FROM unnest(numbers, called) AS c (number, name) JOIN libraries.judgement j ON j.verdict = 'different'
      AND j.form IN (c.number, libraries.form_of(c.number)) AND j.name = c.name
    JOIN unnest(numbers, called) AS o (number, name) ON j.other_form IN (o.number, libraries.form_of(o.number))
      AND j.other_name = o.name) INTO contradicted;
  IF contradicted THEN
    SELECT array_agg(c.number), array_agg(c.name) INTO numbers, called FROM libraries.same_claims(forms, names, false) c;
    RETURN QUERY SELECT 'contradicted', '', NULL::text;
  END IF;
  RETURN QUERY
    WITH claim AS MATERIALIZED (
      SELECT c.number, c.name FROM unnest(numbers, called) AS c (number, name)
    ), apart AS MATERIALIZED (
      SELECT o.number, o.name FROM claim c JOIN libraries.judgement j ON j.verdict = 'different'
        AND j.form IN (c.number, libraries.form_of(c.number)) AND j.name = c.name
        CROSS JOIN LATERAL libraries.same_claims(ARRAY(SELECT libraries.written(j.other_form)), ARRAY[j.other_name], NOT contradicted) o
      EXCEPT SELECT number, name FROM claim
    )
    SELECT DISTINCT 'number', c.number, NULL::text FROM claim c
    UNION ALL SELECT DISTINCT 'name', c.name, NULL FROM claim c
    UNION ALL SELECT 'apart', a.number, a.name FROM apart a
    -- forms and names of the question are one number and one name, written in several ways; so are the two forms of a code
    UNION ALL SELECT 'stranger', s.number, s.name FROM (
      SELECT c.number, o.name FROM claim c CROSS JOIN claim o EXCEPT SELECT number, name FROM apart) s
      WHERE NOT EXISTS (SELECT FROM claim c
        WHERE (c.name = s.name OR c.name = ANY(names) AND s.name = ANY(names))
        AND (c.number = s.number OR libraries.form_of(c.number) = s.number OR c.number = libraries.form_of(s.number)
          OR c.number = ANY(forms) AND s.number = ANY(forms)));
END $$;
