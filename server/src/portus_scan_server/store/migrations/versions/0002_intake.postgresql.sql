ALTER TABLE registries ADD COLUMN sync_error TEXT DEFAULT '' NOT NULL;

ALTER TABLE registries ADD COLUMN missed_at TIMESTAMP WITH TIME ZONE;

ALTER TABLE registries ADD COLUMN held INTEGER DEFAULT '0' NOT NULL;

ALTER TABLE registries ADD COLUMN confirmed INTEGER DEFAULT '0' NOT NULL;

CREATE TABLE events (
    id SERIAL NOT NULL,
    registry_id INTEGER NOT NULL,
    event_id TEXT NOT NULL,
    action TEXT NOT NULL,
    repository TEXT NOT NULL,
    tag TEXT DEFAULT '' NOT NULL,
    digest TEXT DEFAULT '' NOT NULL,
    actor TEXT DEFAULT '' NOT NULL,
    received_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    due_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    tries INTEGER DEFAULT '0' NOT NULL,
    error TEXT DEFAULT '' NOT NULL,
    done_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_events PRIMARY KEY (id),
    CONSTRAINT uq_events_registry_id_event_id UNIQUE (registry_id, event_id),
    CONSTRAINT fk_events_registry_id FOREIGN KEY(registry_id) REFERENCES registries (id) ON DELETE CASCADE
);

CREATE INDEX ix_events_done_at ON events (done_at);

CREATE INDEX ix_events_waiting ON events (registry_id, id) WHERE done_at is null;

CREATE TABLE schedules (
    name TEXT NOT NULL,
    last_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_schedules PRIMARY KEY (name)
);
