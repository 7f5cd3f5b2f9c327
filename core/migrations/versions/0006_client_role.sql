-- What a client may do: a department's asks for certificates; a steward's also works on the data of its department; an
-- admin's on everybody's. Read at every call, never from a token.
ALTER TABLE hub.client ADD COLUMN role text NOT NULL DEFAULT 'department'
  CHECK (role IN ('department', 'steward', 'admin'));
