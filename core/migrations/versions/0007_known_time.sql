-- The known time of what a batch brought: `_known_from` of its rows and `_known_to` of those it ended. Set when it merges
-- (pipeline/batch.py); a feed's batches have it in the order they merged in. What is asked about a later moment is answered
-- as of the last one.
ALTER TABLE hub.batch ADD COLUMN known_at timestamptz;
UPDATE hub.batch SET known_at = landed_at WHERE state IN ('merged', 'delivered');
