-- The only connection that a token is good for.
ALTER TABLE tokens ADD COLUMN audience TEXT;
