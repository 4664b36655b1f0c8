-- Messages that leave the gateway, until they have left or are given up. Numbers grow with time. Columns are TEXT and
-- BIGINT only; bodies are JSON.
CREATE TABLE deliveries (
    number     BIGINT NOT NULL PRIMARY KEY,
    notifier   TEXT   NOT NULL,
    -- Of mail, whom to.
    recipient  TEXT,
    event      TEXT   NOT NULL,
    approval   TEXT,
    -- What happens once is told once.
    once       TEXT   NOT NULL UNIQUE,
    state      TEXT   NOT NULL,
    tries      BIGINT NOT NULL,
    next       BIGINT NOT NULL,
    created    BIGINT NOT NULL,
    sent       BIGINT,
    last_error TEXT,
    body       TEXT   NOT NULL
);
CREATE INDEX deliveries_due ON deliveries (state, notifier, next);
CREATE INDEX deliveries_of_a_request ON deliveries (approval, notifier);

-- What another service calls the message about a request, so that it can be changed and answered.
CREATE TABLE message_references (
    notifier  TEXT   NOT NULL,
    approval  TEXT   NOT NULL,
    reference TEXT   NOT NULL,
    at        BIGINT NOT NULL,
    PRIMARY KEY (notifier, approval)
);

-- Signed messages and links that were taken, until they would be too old to be taken anyway.
CREATE TABLE taken_once (
    mark TEXT   NOT NULL PRIMARY KEY,
    ends BIGINT NOT NULL
);
