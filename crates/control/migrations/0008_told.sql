-- What was really told: where a message showed everything, whom it is about, whether it goes first, and whether its
-- request is over with it.
ALTER TABLE deliveries ADD COLUMN shown TEXT;
ALTER TABLE deliveries ADD COLUMN principal TEXT NOT NULL DEFAULT '';
ALTER TABLE deliveries ADD COLUMN urgent BIGINT NOT NULL DEFAULT 0;
ALTER TABLE deliveries ADD COLUMN final BIGINT NOT NULL DEFAULT 0;
DROP INDEX deliveries_due;
CREATE INDEX deliveries_due ON deliveries (state, notifier, urgent DESC, number);
