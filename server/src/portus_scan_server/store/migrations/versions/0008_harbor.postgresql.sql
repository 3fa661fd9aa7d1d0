CREATE TABLE harbor_scans (
    uid TEXT NOT NULL,
    registration TEXT NOT NULL,
    url TEXT NOT NULL,
    repository TEXT NOT NULL,
    digest TEXT NOT NULL,
    tag TEXT NOT NULL,
    artifact TEXT NOT NULL,
    sealed BYTEA,
    state TEXT DEFAULT 'new' NOT NULL,
    request_id INTEGER,
    error TEXT DEFAULT '' NOT NULL,
    report BYTEA,
    asked_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    over_at TIMESTAMP WITH TIME ZONE NOT NULL,
    ended_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_harbor_scans PRIMARY KEY (uid)
);

CREATE INDEX ix_harbor_scans_open ON harbor_scans (digest) WHERE ended_at is null;

CREATE INDEX ix_harbor_scans_ended_at ON harbor_scans (ended_at);

DELETE FROM programs;

INSERT INTO programs (schema) VALUES ('0008');
