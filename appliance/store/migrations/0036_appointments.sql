-- Appointments that may be under way: one row for each passkey, so that nobody's try takes the place of another's.
CREATE TABLE appointments (
    subject       TEXT NOT NULL,
    login         TEXT NOT NULL,
    name          TEXT NOT NULL,
    organisation  TEXT NOT NULL,
    email         TEXT NOT NULL,
    password      TEXT NOT NULL,
    credential_id BLOB NOT NULL,
    public_key    BLOB NOT NULL,
    sign_count    INTEGER NOT NULL,
    PRIMARY KEY (subject, credential_id, public_key)
) STRICT;

INSERT INTO appointments
SELECT subject, login, name, organisation, email, password, credential_id, public_key, sign_count FROM appointment;

DROP TABLE appointment;
