-- Who was named in former versions is looked up by number too. What has an index in a dataset's current table has a Bloom
-- filter for every 64 pages of its history (schemas/derive/sql.py): a merge does not pay for it.
DO $$
DECLARE
  found record;
  name  text;
BEGIN
  FOR found IN
    SELECT c.relname AS dataset, a.attname AS item FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[0] AND i.indnatts = 1
    WHERE c.relnamespace = to_regnamespace('records') AND c.relkind = 'r' AND NOT i.indisprimary
      AND a.atttypid = 'text'::regtype AND to_regclass(format('records.%I', c.relname || '_history')) IS NOT NULL
      AND NOT EXISTS (SELECT FROM pg_am m JOIN pg_class x ON x.relam = m.oid WHERE x.oid = i.indexrelid AND m.amname = 'brin')
  LOOP
    name := format('%s_history.%s', found.dataset, found.item);
    IF length(name) > 63 THEN
      name := left(name, 50) || '_' || lpad(to_hex(crc32(convert_to(name, 'UTF8'))), 8, '0');
    END IF;
    EXECUTE format('CREATE INDEX IF NOT EXISTS %I ON records.%I USING brin (%I text_bloom_ops) '
      'WITH (pages_per_range = 64, autosummarize = on)', name, found.dataset || '_history', found.item);
  END LOOP;
END $$;
