CREATE TABLE programs (
    schema TEXT NOT NULL,
    CONSTRAINT pk_programs PRIMARY KEY (schema)
);
INSERT INTO programs (schema) VALUES ('0007');
CREATE FUNCTION portus_scan_wake() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NOTIFY portus_scan_requests; RETURN NULL; END $$;
CREATE TRIGGER portus_scan_wake AFTER INSERT ON requests FOR EACH STATEMENT EXECUTE FUNCTION portus_scan_wake();
