ALTER TABLE images ADD COLUMN admission_at BIGINT;
