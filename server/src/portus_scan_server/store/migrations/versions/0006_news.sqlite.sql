CREATE TABLE news (
    id INTEGER NOT NULL,
    uid TEXT NOT NULL,
    kind TEXT NOT NULL,
    about TEXT NOT NULL,
    repository_id INTEGER,
    message TEXT NOT NULL,
    made_at BIGINT DEFAULT (cast((julianday('now') - 2440587.5) * 86400000 as integer)) NOT NULL,
    over_at BIGINT,
    CONSTRAINT pk_news PRIMARY KEY (id),
    CONSTRAINT uq_news_uid UNIQUE (uid),
    CONSTRAINT fk_news_repository_id FOREIGN KEY(repository_id) REFERENCES repositories (id) ON DELETE CASCADE
);

CREATE UNIQUE INDEX uq_news_open ON news (kind, about) WHERE over_at is null;

CREATE INDEX ix_news_over_at ON news (over_at);

CREATE INDEX ix_news_repository_id ON news (repository_id);

CREATE TABLE news_names (
    repository_id INTEGER NOT NULL,
    name TEXT NOT NULL,
    news_id INTEGER NOT NULL,
    CONSTRAINT pk_news_names PRIMARY KEY (repository_id, name),
    CONSTRAINT fk_news_names_repository_id FOREIGN KEY(repository_id) REFERENCES repositories (id) ON DELETE CASCADE,
    CONSTRAINT fk_news_names_news_id FOREIGN KEY(news_id) REFERENCES news (id) ON DELETE CASCADE
);

CREATE INDEX ix_news_names_news_id ON news_names (news_id);

CREATE TABLE deliveries (
    id INTEGER NOT NULL,
    message TEXT NOT NULL,
    channel TEXT NOT NULL,
    kind TEXT NOT NULL,
    body TEXT NOT NULL,
    state TEXT DEFAULT 'queued' NOT NULL,
    tries INTEGER DEFAULT 0 NOT NULL,
    due_at BIGINT DEFAULT (cast((julianday('now') - 2440587.5) * 86400000 as integer)) NOT NULL,
    error TEXT DEFAULT '' NOT NULL,
    made_at BIGINT DEFAULT (cast((julianday('now') - 2440587.5) * 86400000 as integer)) NOT NULL,
    ended_at BIGINT,
    CONSTRAINT pk_deliveries PRIMARY KEY (id),
    CONSTRAINT uq_deliveries_message_channel UNIQUE (message, channel)
);

CREATE INDEX ix_deliveries_queued ON deliveries (due_at) WHERE state = 'queued';

CREATE INDEX ix_deliveries_state_ended_at ON deliveries (state, ended_at);
