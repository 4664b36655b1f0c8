-- Columns are TEXT and BIGINT only, so that the same statements run on PostgreSQL. Times are microseconds since
-- 1970-01-01T00:00:00Z; bodies are JSON.

CREATE TABLE resources (
    kind    TEXT   NOT NULL,
    name    TEXT   NOT NULL,
    body    TEXT   NOT NULL,
    source  TEXT   NOT NULL,
    updated BIGINT NOT NULL,
    PRIMARY KEY (kind, name)
);

-- What the resources directory said when it was last taken over, so that only what changed there is applied again.
CREATE TABLE directory (
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (kind, name)
);

-- Principals that were switched off by command; those switched off in a file are in resources.
CREATE TABLE disabled (
    principal TEXT   NOT NULL PRIMARY KEY,
    at        BIGINT NOT NULL,
    actor     TEXT   NOT NULL
);

CREATE TABLE tokens (
    id        TEXT   NOT NULL PRIMARY KEY,
    name      TEXT,
    principal TEXT   NOT NULL,
    hash      TEXT   NOT NULL UNIQUE,
    created   BIGINT NOT NULL,
    expires   BIGINT NOT NULL,
    last_used BIGINT,
    revoked   BIGINT
);

CREATE TABLE approvals (
    id      TEXT   NOT NULL PRIMARY KEY,
    state   TEXT   NOT NULL,
    created BIGINT NOT NULL,
    body    TEXT   NOT NULL
);

-- The latest signed checkpoint of the log: a log that ends before it was cut.
CREATE TABLE checkpoint (
    one  BIGINT NOT NULL PRIMARY KEY CHECK (one = 1),
    size BIGINT NOT NULL,
    root TEXT   NOT NULL,
    at   BIGINT NOT NULL
);

-- SHA-256 of the local administrator's credential.
CREATE TABLE local_admin (
    one  BIGINT NOT NULL PRIMARY KEY CHECK (one = 1),
    hash TEXT   NOT NULL
);
