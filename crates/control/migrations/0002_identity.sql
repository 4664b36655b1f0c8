-- Who came from an identity provider, with what they hold. Columns are TEXT and BIGINT only; times are microseconds
-- since 1970-01-01T00:00:00Z; lists and bodies are JSON.

-- What a token is for: access or browser; where from it may be used; the sign-in that it hangs from; the
-- workload that it was exchanged for; the token that it was made to replace.
ALTER TABLE tokens ADD COLUMN purpose  TEXT NOT NULL DEFAULT 'access';
ALTER TABLE tokens ADD COLUMN networks TEXT NOT NULL DEFAULT '[]';
ALTER TABLE tokens ADD COLUMN sign_in  TEXT;
ALTER TABLE tokens ADD COLUMN workload TEXT;
ALTER TABLE tokens ADD COLUMN creator  TEXT;

-- People whom an identity provider vouches for.
CREATE TABLE people (
    name     TEXT NOT NULL PRIMARY KEY,
    provider TEXT NOT NULL,
    subject  TEXT NOT NULL,
    body     TEXT NOT NULL,
    UNIQUE (provider, subject)
);

-- One row per login of a person at their provider, while something hangs from it.
CREATE TABLE sign_ins (
    id        TEXT   NOT NULL PRIMARY KEY,
    principal TEXT   NOT NULL,
    ends      BIGINT NOT NULL,
    ended     BIGINT,
    body      TEXT   NOT NULL
);

-- Agents that their owners made; those declared in files are in resources.
CREATE TABLE agents (
    name    TEXT   NOT NULL PRIMARY KEY,
    owner   TEXT   NOT NULL,
    body    TEXT   NOT NULL
);
