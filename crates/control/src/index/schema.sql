-- The index over the records: what lists and searches are answered from. It is made from the records alone, and made
-- anew when it is gone or of another version.

-- How far the log has been read, and of which log.
CREATE TABLE progress (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    log TEXT NOT NULL,
    next INTEGER NOT NULL,
    "offset" INTEGER NOT NULL,
    gaps INTEGER NOT NULL DEFAULT 0
);

-- Names that stand in many rows: principals, connections, protocols.
CREATE TABLE names (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);

-- Lists that stand in many rows, as JSON: policies, accesses, masked columns.
CREATE TABLE lists (id INTEGER PRIMARY KEY, body TEXT NOT NULL UNIQUE);

-- Which policies a list of policies holds.
CREATE TABLE deciding (policy TEXT NOT NULL, list INTEGER NOT NULL, PRIMARY KEY (policy, list)) WITHOUT ROWID;

-- Which accesses a list of accesses holds. `short` and `last` are what people call a resource.
CREATE TABLE needed (
    list INTEGER NOT NULL,
    action TEXT NOT NULL,
    resource TEXT NOT NULL,
    short TEXT NOT NULL,
    last TEXT NOT NULL,
    PRIMARY KEY (list, action, resource)
) WITHOUT ROWID;

-- What operations say, each once.
CREATE TABLE texts (id INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, text TEXT NOT NULL);
CREATE VIRTUAL TABLE text_search USING fts5(
    text, content = 'texts', content_rowid = 'id', detail = 'none', columnsize = 0, prefix = '2 3', tokenize = "unicode61 tokenchars '_$'"
);
CREATE TRIGGER texts_searched AFTER INSERT ON texts BEGIN
    INSERT INTO text_search (rowid, text) VALUES (new.id, new.text);
END;

CREATE TABLE sessions (
    id INTEGER PRIMARY KEY,
    session TEXT NOT NULL UNIQUE,
    principal INTEGER NOT NULL,
    connection INTEGER NOT NULL,
    protocol INTEGER NOT NULL,
    account TEXT NOT NULL,
    database TEXT NOT NULL,
    client_address TEXT NOT NULL,
    application TEXT,
    started INTEGER NOT NULL,
    ended INTEGER,
    operations INTEGER NOT NULL DEFAULT 0,
    denied INTEGER NOT NULL DEFAULT 0,
    held INTEGER NOT NULL DEFAULT 0,
    denied_by_people INTEGER NOT NULL DEFAULT 0,
    failed INTEGER NOT NULL DEFAULT 0,
    masked_values INTEGER NOT NULL DEFAULT 0,
    -- How far the record has been read, and what the log said of it last (JSON).
    place TEXT NOT NULL,
    events INTEGER NOT NULL,
    committed TEXT NOT NULL
);
CREATE INDEX sessions_started ON sessions (started);
CREATE INDEX sessions_principal ON sessions (principal, started);
CREATE INDEX sessions_connection ON sessions (connection, started);
CREATE INDEX sessions_live ON sessions (started) WHERE ended IS NULL;

CREATE TABLE operations (
    id INTEGER PRIMARY KEY,
    session INTEGER NOT NULL,
    op INTEGER NOT NULL,
    at INTEGER NOT NULL,
    principal INTEGER NOT NULL,
    connection INTEGER NOT NULL,
    text INTEGER NOT NULL,
    -- 0: allow, 1: ask, 2: deny
    verdict INTEGER NOT NULL,
    policies INTEGER NOT NULL,
    accesses INTEGER NOT NULL,
    message TEXT,
    approval TEXT,
    -- 0: done, 1: failed, 2: cut, 3: denied, 4: unapproved
    ending INTEGER,
    rows INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    micros INTEGER NOT NULL,
    masked INTEGER,
    masked_values INTEGER NOT NULL
);
CREATE UNIQUE INDEX operations_session ON operations (session, op);
CREATE INDEX operations_at ON operations (at);
CREATE INDEX operations_principal ON operations (principal, at);
CREATE INDEX operations_connection ON operations (connection, at);
CREATE INDEX operations_text ON operations (text, at);
CREATE INDEX operations_accesses ON operations (accesses, at);
CREATE INDEX operations_policies ON operations (policies, at);
CREATE INDEX operations_asked ON operations (at) WHERE verdict = 1;
CREATE INDEX operations_denied ON operations (at) WHERE verdict = 2;
CREATE INDEX operations_masked ON operations (at) WHERE masked_values > 0;

-- Numbers over time: one row for each minute (span 60) and each hour (span 3600) in which somebody did something.
CREATE TABLE numbers (
    span INTEGER NOT NULL,
    start INTEGER NOT NULL,
    connection INTEGER NOT NULL,
    principal INTEGER NOT NULL,
    allowed INTEGER NOT NULL,
    asked INTEGER NOT NULL,
    denied INTEGER NOT NULL,
    denied_by_people INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    masked_values INTEGER NOT NULL,
    PRIMARY KEY (span, start, connection, principal)
) WITHOUT ROWID;

-- Changes through the control plane, and gaps.
CREATE TABLE acts (
    number INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    actor TEXT,
    act TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail TEXT NOT NULL
);
CREATE INDEX acts_at ON acts (at);
CREATE INDEX acts_actor ON acts (actor, number);
CREATE INDEX acts_act ON acts (act, number);
CREATE VIRTUAL TABLE act_search USING fts5(
    subject, detail, content = 'acts', content_rowid = 'number', detail = 'none', columnsize = 0
);
CREATE TRIGGER acts_searched AFTER INSERT ON acts BEGIN
    INSERT INTO act_search (rowid, subject, detail) VALUES (new.number, new.subject, new.detail);
END;
