-- What became of the resources, change by change. Columns are TEXT and BIGINT only; bodies are JSON, as in resources.

CREATE TABLE changes (
    number BIGINT NOT NULL PRIMARY KEY,
    at     BIGINT NOT NULL,
    actor  TEXT   NOT NULL
);

-- What one change did to one resource: its body before and after, where there was one.
CREATE TABLE changed (
    change BIGINT NOT NULL,
    kind   TEXT   NOT NULL,
    name   TEXT   NOT NULL,
    what   TEXT   NOT NULL,
    before TEXT,
    after  TEXT,
    PRIMARY KEY (change, kind, name)
);

CREATE INDEX changed_by_name ON changed (kind, name, change);
