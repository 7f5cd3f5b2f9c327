-- When a finding was opened last: a dismissal of before that was of what has gone since (pipeline/check_findings.py).
ALTER TABLE hub.check_finding ADD COLUMN opened_at timestamptz;
UPDATE hub.check_finding SET opened_at = first_seen;
ALTER TABLE hub.check_finding ALTER COLUMN opened_at SET NOT NULL;
