-- Transaction ids are a server's own: those of a restored database say nothing beside the new server's. Each restore begins
-- an epoch (the column's default goes up by one), so that a reader's cursor (epoch, xid, seq) only ever goes forward.
ALTER TABLE hub.event ADD COLUMN epoch integer NOT NULL DEFAULT 1;
ALTER TABLE hub.event DROP CONSTRAINT event_pkey;
ALTER TABLE hub.event ADD PRIMARY KEY (epoch, xid, seq);

-- A token names the secret it was given for: renewing a client's secret ends the tokens of the one before.
ALTER TABLE hub.client ADD COLUMN secret_version integer NOT NULL DEFAULT 1;
