-- Whether the owner of a capture logs in by hand before it is made (a live view in the portal). Nobody does so for a plan or a program.
ALTER TABLE captures ADD COLUMN log_in INTEGER NOT NULL DEFAULT 0
    CHECK (log_in = 0 OR log_in = 1 AND schedule IS NULL AND client IS NULL);
