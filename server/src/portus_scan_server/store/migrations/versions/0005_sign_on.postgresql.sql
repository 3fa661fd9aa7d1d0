CREATE TABLE sessions (
    id SERIAL NOT NULL,
    hash TEXT NOT NULL,
    name TEXT NOT NULL,
    groups TEXT DEFAULT '[]' NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_sessions PRIMARY KEY (id),
    CONSTRAINT uq_sessions_hash UNIQUE (hash)
);
