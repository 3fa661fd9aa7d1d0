CREATE TABLE advisories (
    id SERIAL NOT NULL,
    fingerprint TEXT NOT NULL,
    body TEXT NOT NULL,
    CONSTRAINT pk_advisories PRIMARY KEY (id),
    CONSTRAINT uq_advisories_fingerprint UNIQUE (fingerprint)
);

CREATE TABLE finding_sets (
    id SERIAL NOT NULL,
    fingerprint TEXT NOT NULL,
    total INTEGER NOT NULL,
    finding_ids INTEGER[] NOT NULL,
    CONSTRAINT pk_finding_sets PRIMARY KEY (id),
    CONSTRAINT uq_finding_sets_fingerprint UNIQUE (fingerprint)
);

CREATE INDEX ix_finding_sets_finding_ids ON finding_sets USING gin (finding_ids);

CREATE TABLE images (
    id SERIAL NOT NULL,
    digest TEXT NOT NULL,
    media_type TEXT DEFAULT '' NOT NULL,
    is_index BOOLEAN DEFAULT false NOT NULL,
    body TEXT,
    first_seen_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    last_seen_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_images PRIMARY KEY (id),
    CONSTRAINT uq_images_digest UNIQUE (digest)
);

CREATE TABLE registries (
    id SERIAL NOT NULL,
    host TEXT NOT NULL,
    last_event_at TIMESTAMP WITH TIME ZONE,
    last_sync_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_registries PRIMARY KEY (id),
    CONSTRAINT uq_registries_host UNIQUE (host)
);

CREATE TABLE scanners (
    name TEXT NOT NULL,
    plugin TEXT NOT NULL,
    plugin_version TEXT DEFAULT '' NOT NULL,
    scanner_version TEXT DEFAULT '' NOT NULL,
    settings TEXT DEFAULT '' NOT NULL,
    database_identity TEXT,
    database_updated TIMESTAMP WITH TIME ZONE,
    healthy BOOLEAN,
    message TEXT DEFAULT '' NOT NULL,
    asked_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_scanners PRIMARY KEY (name)
);

CREATE TABLE workers (
    owner TEXT NOT NULL,
    lock_key INTEGER NOT NULL,
    began_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_workers PRIMARY KEY (owner),
    CONSTRAINT uq_workers_lock_key UNIQUE (lock_key)
);

CREATE TABLE advisory_names (
    name TEXT NOT NULL,
    advisory_id INTEGER NOT NULL,
    CONSTRAINT pk_advisory_names PRIMARY KEY (name, advisory_id),
    CONSTRAINT fk_advisory_names_advisory_id FOREIGN KEY(advisory_id) REFERENCES advisories (id) ON DELETE CASCADE
);

CREATE INDEX ix_advisory_names_advisory_id ON advisory_names (advisory_id);

CREATE TABLE findings (
    id SERIAL NOT NULL,
    fingerprint TEXT NOT NULL,
    advisory_id INTEGER NOT NULL,
    severity SMALLINT NOT NULL,
    package TEXT NOT NULL,
    version TEXT NOT NULL,
    body TEXT NOT NULL,
    CONSTRAINT pk_findings PRIMARY KEY (id),
    CONSTRAINT uq_findings_fingerprint UNIQUE (fingerprint),
    CONSTRAINT fk_findings_advisory_id FOREIGN KEY(advisory_id) REFERENCES advisories (id)
);

CREATE INDEX ix_findings_advisory_id ON findings (advisory_id);

CREATE TABLE index_images (
    index_id INTEGER NOT NULL,
    position INTEGER NOT NULL,
    image_id INTEGER NOT NULL,
    platform TEXT DEFAULT '' NOT NULL,
    runnable BOOLEAN DEFAULT false NOT NULL,
    CONSTRAINT pk_index_images PRIMARY KEY (index_id, position),
    CONSTRAINT fk_index_images_index_id FOREIGN KEY(index_id) REFERENCES images (id) ON DELETE CASCADE,
    CONSTRAINT fk_index_images_image_id FOREIGN KEY(image_id) REFERENCES images (id) ON DELETE CASCADE
);

CREATE INDEX ix_index_images_image_id ON index_images (image_id);

CREATE TABLE repositories (
    id SERIAL NOT NULL,
    registry_id INTEGER NOT NULL,
    name TEXT NOT NULL,
    CONSTRAINT pk_repositories PRIMARY KEY (id),
    CONSTRAINT uq_repositories_registry_id_name UNIQUE (registry_id, name),
    CONSTRAINT fk_repositories_registry_id FOREIGN KEY(registry_id) REFERENCES registries (id)
);

CREATE TABLE requests (
    id SERIAL NOT NULL,
    image_id INTEGER NOT NULL,
    scanner_set TEXT DEFAULT '' NOT NULL,
    reason TEXT NOT NULL,
    priority SMALLINT NOT NULL,
    state TEXT DEFAULT 'queued' NOT NULL,
    due_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    attempt INTEGER DEFAULT '0' NOT NULL,
    failures INTEGER DEFAULT '0' NOT NULL,
    deaths INTEGER DEFAULT '0' NOT NULL,
    alone BOOLEAN DEFAULT false NOT NULL,
    owner TEXT,
    asked_by TEXT DEFAULT '' NOT NULL,
    step TEXT DEFAULT '' NOT NULL,
    error TEXT DEFAULT '' NOT NULL,
    asked_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    claimed_at TIMESTAMP WITH TIME ZONE,
    ended_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_requests PRIMARY KEY (id),
    CONSTRAINT fk_requests_image_id FOREIGN KEY(image_id) REFERENCES images (id) ON DELETE CASCADE
);

CREATE INDEX ix_requests_queued ON requests (priority desc, id, due_at) WHERE state = 'queued';

CREATE INDEX ix_requests_state_ended_at ON requests (state, ended_at);

CREATE UNIQUE INDEX uq_requests_open ON requests (image_id, scanner_set) WHERE state in ('queued', 'running');

CREATE TABLE runs (
    id SERIAL NOT NULL,
    image_id INTEGER NOT NULL,
    scanner TEXT NOT NULL,
    outcome TEXT NOT NULL,
    set_id INTEGER,
    body TEXT NOT NULL,
    places BYTEA,
    plugin_version TEXT DEFAULT '' NOT NULL,
    scanner_version TEXT DEFAULT '' NOT NULL,
    settings TEXT DEFAULT '' NOT NULL,
    database_identity TEXT,
    database_updated TIMESTAMP WITH TIME ZONE,
    times INTEGER DEFAULT '1' NOT NULL,
    first_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    checked_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_runs PRIMARY KEY (id),
    CONSTRAINT fk_runs_image_id FOREIGN KEY(image_id) REFERENCES images (id) ON DELETE CASCADE,
    CONSTRAINT fk_runs_set_id FOREIGN KEY(set_id) REFERENCES finding_sets (id)
);

CREATE INDEX ix_runs_image_id_scanner ON runs (image_id, scanner);

CREATE INDEX ix_runs_set_id ON runs (set_id);

CREATE TABLE summaries (
    image_id INTEGER NOT NULL,
    configuration TEXT NOT NULL,
    verdict TEXT NOT NULL,
    unknown INTEGER DEFAULT '0' NOT NULL,
    negligible INTEGER DEFAULT '0' NOT NULL,
    low INTEGER DEFAULT '0' NOT NULL,
    medium INTEGER DEFAULT '0' NOT NULL,
    high INTEGER DEFAULT '0' NOT NULL,
    critical INTEGER DEFAULT '0' NOT NULL,
    defcon1 INTEGER DEFAULT '0' NOT NULL,
    total INTEGER DEFAULT '0' NOT NULL,
    fixable INTEGER DEFAULT '0' NOT NULL,
    suppressed INTEGER DEFAULT '0' NOT NULL,
    gate TEXT DEFAULT '' NOT NULL,
    violations TEXT DEFAULT '[]' NOT NULL,
    doubts TEXT DEFAULT '{}' NOT NULL,
    oldest_database TIMESTAMP WITH TIME ZONE,
    checked_at TIMESTAMP WITH TIME ZONE,
    made_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    holds_until TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_summaries PRIMARY KEY (image_id),
    CONSTRAINT fk_summaries_image_id FOREIGN KEY(image_id) REFERENCES images (id) ON DELETE CASCADE
);

CREATE INDEX ix_summaries_configuration ON summaries (configuration);

CREATE TABLE image_repositories (
    image_id INTEGER NOT NULL,
    repository_id INTEGER NOT NULL,
    seen_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_image_repositories PRIMARY KEY (image_id, repository_id),
    CONSTRAINT fk_image_repositories_image_id FOREIGN KEY(image_id) REFERENCES images (id) ON DELETE CASCADE,
    CONSTRAINT fk_image_repositories_repository_id FOREIGN KEY(repository_id) REFERENCES repositories (id) ON DELETE CASCADE
);

CREATE INDEX ix_image_repositories_repository_id ON image_repositories (repository_id);

CREATE TABLE latest (
    image_id INTEGER NOT NULL,
    scanner TEXT NOT NULL,
    answer_id INTEGER,
    said_id INTEGER,
    try_id INTEGER NOT NULL,
    CONSTRAINT pk_latest PRIMARY KEY (image_id, scanner),
    CONSTRAINT fk_latest_image_id FOREIGN KEY(image_id) REFERENCES images (id) ON DELETE CASCADE,
    CONSTRAINT fk_latest_answer_id FOREIGN KEY(answer_id) REFERENCES runs (id),
    CONSTRAINT fk_latest_said_id FOREIGN KEY(said_id) REFERENCES runs (id),
    CONSTRAINT fk_latest_try_id FOREIGN KEY(try_id) REFERENCES runs (id)
);

CREATE INDEX ix_latest_answer_id ON latest (answer_id);

CREATE INDEX ix_latest_said_id ON latest (said_id);

CREATE INDEX ix_latest_try_id ON latest (try_id);

CREATE TABLE request_sources (
    request_id INTEGER NOT NULL,
    repository_id INTEGER NOT NULL,
    tag TEXT DEFAULT '' NOT NULL,
    error TEXT DEFAULT '' NOT NULL,
    CONSTRAINT pk_request_sources PRIMARY KEY (request_id, repository_id),
    CONSTRAINT fk_request_sources_request_id FOREIGN KEY(request_id) REFERENCES requests (id) ON DELETE CASCADE,
    CONSTRAINT fk_request_sources_repository_id FOREIGN KEY(repository_id) REFERENCES repositories (id) ON DELETE CASCADE
);

CREATE TABLE tags (
    id SERIAL NOT NULL,
    repository_id INTEGER NOT NULL,
    name TEXT NOT NULL,
    image_id INTEGER NOT NULL,
    pushed_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    pushed_by TEXT DEFAULT '' NOT NULL,
    missed SMALLINT DEFAULT '0' NOT NULL,
    gone_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_tags PRIMARY KEY (id),
    CONSTRAINT uq_tags_repository_id_name UNIQUE (repository_id, name),
    CONSTRAINT fk_tags_repository_id FOREIGN KEY(repository_id) REFERENCES repositories (id),
    CONSTRAINT fk_tags_image_id FOREIGN KEY(image_id) REFERENCES images (id)
);

CREATE INDEX ix_tags_image_id ON tags (image_id);

CREATE TABLE tag_history (
    id SERIAL NOT NULL,
    tag_id INTEGER NOT NULL,
    image_id INTEGER NOT NULL,
    from_at TIMESTAMP WITH TIME ZONE NOT NULL,
    to_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_tag_history PRIMARY KEY (id),
    CONSTRAINT fk_tag_history_tag_id FOREIGN KEY(tag_id) REFERENCES tags (id) ON DELETE CASCADE,
    CONSTRAINT fk_tag_history_image_id FOREIGN KEY(image_id) REFERENCES images (id)
);

CREATE INDEX ix_tag_history_image_id ON tag_history (image_id);

CREATE INDEX ix_tag_history_tag_id ON tag_history (tag_id);
