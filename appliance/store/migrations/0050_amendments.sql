-- An agreement that supplements, replaces or terminates a completed contract: its own contract, and the earlier one.
-- `effective` is the day from which it changes the earlier one, in force once it is completed and while it is not void.
CREATE TABLE amendments (
    contract TEXT PRIMARY KEY REFERENCES contracts (id),
    earlier TEXT NOT NULL REFERENCES contracts (id) CHECK (earlier <> contract),
    kind TEXT NOT NULL CHECK (kind IN ('supplement', 'replacement', 'termination')),
    effective TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX amendments_of_earlier ON amendments (earlier);

CREATE VIEW amendments_in_force AS
SELECT m.contract, m.earlier, m.kind, m.effective FROM amendments AS m
JOIN contracts AS later ON later.id = m.contract AND later.state = 'completed';
