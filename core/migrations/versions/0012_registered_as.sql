-- The same answer as before, at once where registers know nothing but the number and the name, which is nearly always.
ALTER FUNCTION libraries.registered_as RENAME TO registered_as_said;
CREATE FUNCTION libraries.registered_as(forms text[], names text[]) RETURNS TABLE (kind text, value text) STABLE LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM libraries.known_as k WHERE k.kind = 'number' AND k.form = ANY(forms))
    OR EXISTS (SELECT FROM libraries.mention m JOIN libraries.known_as k ON k.of_dataset = m.dataset AND k.of_key = m.key
      AND k.role = m.role WHERE m.id_value = ANY(forms))
  THEN RETURN QUERY SELECT * FROM libraries.registered_as_said(forms, names);
  END IF;
END $$;
