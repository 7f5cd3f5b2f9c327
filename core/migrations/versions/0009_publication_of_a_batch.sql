-- With which documents in force a batch was begun: what its rows name, refer to and are known as is read by these, so that a
-- batch can be brought in again as it was. 0 is before the first publication.
ALTER TABLE hub.batch ADD COLUMN publication bigint;
UPDATE hub.batch b SET publication = coalesce((SELECT max(p.n) FROM hub.publication p WHERE p.at <= b.started_at), 0);
ALTER TABLE hub.batch ALTER COLUMN publication SET NOT NULL;
