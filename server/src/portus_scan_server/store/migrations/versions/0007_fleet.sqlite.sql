CREATE TABLE programs (
    schema TEXT NOT NULL,
    CONSTRAINT pk_programs PRIMARY KEY (schema)
);
INSERT INTO programs (schema) VALUES ('0007');
