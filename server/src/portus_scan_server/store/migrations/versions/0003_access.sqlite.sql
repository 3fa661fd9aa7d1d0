CREATE TABLE tokens (
    id INTEGER NOT NULL,
    name TEXT NOT NULL,
    hash TEXT NOT NULL,
    scopes TEXT NOT NULL,
    repositories TEXT DEFAULT '[]' NOT NULL,
    created_at BIGINT DEFAULT (cast((julianday('now') - 2440587.5) * 86400000 as integer)) NOT NULL,
    expires_at BIGINT,
    CONSTRAINT pk_tokens PRIMARY KEY (id),
    CONSTRAINT uq_tokens_name UNIQUE (name)
);

CREATE INDEX ix_requests_image_id_id ON requests (image_id, id);
