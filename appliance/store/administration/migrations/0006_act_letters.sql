-- A mail for each administrator who may decide on an act that waits for a second person. `due` is when it is tried next,
-- `reason` why the mail server did not take it; 'withdrawn' is what was decided before it went out.
CREATE TABLE act_letters (
    act      TEXT NOT NULL REFERENCES acts (id),
    login    TEXT NOT NULL REFERENCES administrators (login),
    state    TEXT NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'sent', 'refused', 'withdrawn')),
    due      TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    reason   TEXT,
    PRIMARY KEY (act, login)
) STRICT, WITHOUT ROWID;

CREATE INDEX act_letters_due ON act_letters (due) WHERE state = 'queued';
