-- People whom an identity provider provisions may be known before they ever signed in: what the provider calls them is
-- not known then. Columns are TEXT and BIGINT only; bodies are JSON.

CREATE TABLE people_next (
    name     TEXT NOT NULL PRIMARY KEY,
    provider TEXT NOT NULL,
    subject  TEXT,
    body     TEXT NOT NULL,
    UNIQUE (provider, subject)
);
INSERT INTO people_next (name, provider, subject, body) SELECT name, provider, subject, body FROM people;
DROP TABLE people;
ALTER TABLE people_next RENAME TO people;

-- Groups that an identity provider provisions, with their members by id.
CREATE TABLE provisioned_groups (
    id       TEXT NOT NULL PRIMARY KEY,
    provider TEXT NOT NULL,
    body     TEXT NOT NULL
);
