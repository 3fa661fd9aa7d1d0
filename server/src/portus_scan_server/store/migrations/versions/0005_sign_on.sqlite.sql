CREATE TABLE sessions (
    id INTEGER NOT NULL,
    hash TEXT NOT NULL,
    name TEXT NOT NULL,
    groups TEXT DEFAULT '[]' NOT NULL,
    created_at BIGINT DEFAULT (cast((julianday('now') - 2440587.5) * 86400000 as integer)) NOT NULL,
    expires_at BIGINT NOT NULL,
    CONSTRAINT pk_sessions PRIMARY KEY (id),
    CONSTRAINT uq_sessions_hash UNIQUE (hash)
);
