-- The authority's own store. Every table is STRICT; what may never change is guarded by triggers.
CREATE TABLE subjects (
    subject TEXT PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('person', 'seal', 'service', 'officer')),
    name TEXT NOT NULL,
    organisation TEXT NOT NULL,
    enrolled INTEGER NOT NULL
) STRICT;

CREATE TABLE custodians (
    seal TEXT NOT NULL REFERENCES subjects (subject),
    person TEXT NOT NULL REFERENCES subjects (subject),
    PRIMARY KEY (seal, person)
) STRICT, WITHOUT ROWID;

CREATE TABLE credentials (
    number INTEGER PRIMARY KEY,
    subject TEXT NOT NULL REFERENCES subjects (subject),
    kind TEXT NOT NULL CHECK (kind IN ('webauthn', 'pin-totp')),
    credential_id BLOB UNIQUE,
    public_key BLOB,
    sign_count INTEGER NOT NULL DEFAULT 0,
    pin_hash TEXT,
    totp_secret BLOB,
    totp_step INTEGER NOT NULL DEFAULT 0,
    failures INTEGER NOT NULL DEFAULT 0,
    locked_until INTEGER NOT NULL DEFAULT 0,
    added INTEGER NOT NULL,
    revoked INTEGER,
    CHECK (
        (kind = 'webauthn' AND credential_id IS NOT NULL AND public_key IS NOT NULL)
        OR (kind = 'pin-totp' AND pin_hash IS NOT NULL AND totp_secret IS NOT NULL)
    )
) STRICT;
CREATE INDEX credentials_of_subject ON credentials (subject);

CREATE TABLE acts (
    nonce BLOB PRIMARY KEY CHECK (length(nonce) = 16),
    act TEXT NOT NULL,
    activated_by TEXT NOT NULL,
    strength TEXT NOT NULL,
    authorised INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE keys (
    label TEXT PRIMARY KEY,
    subject TEXT NOT NULL,
    algorithm TEXT NOT NULL,
    public_key BLOB,
    attributes TEXT NOT NULL,
    made INTEGER NOT NULL
) STRICT;

CREATE TABLE certificates (
    number INTEGER PRIMARY KEY,
    serial TEXT NOT NULL UNIQUE,
    subject TEXT NOT NULL,
    issuer TEXT NOT NULL,
    label TEXT NOT NULL,
    not_after INTEGER NOT NULL,
    der BLOB NOT NULL
) STRICT;
CREATE INDEX certificates_of_subject ON certificates (subject, number);

CREATE TABLE revocations (
    serial TEXT PRIMARY KEY REFERENCES certificates (serial),
    revoked INTEGER NOT NULL,
    reason TEXT NOT NULL
) STRICT;

CREATE TABLE crls (
    issuer TEXT NOT NULL,
    number INTEGER NOT NULL,
    der BLOB NOT NULL,
    PRIMARY KEY (issuer, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE checkpoints (
    size INTEGER PRIMARY KEY CHECK (size >= 0),
    root BLOB NOT NULL CHECK (length(root) = 32)
) STRICT;

CREATE TABLE time_lease (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    until INTEGER NOT NULL
) STRICT;
INSERT INTO time_lease (one, until) VALUES (1, 0);

CREATE TABLE latch (
    token TEXT PRIMARY KEY,
    sentence TEXT NOT NULL,
    latched INTEGER NOT NULL
) STRICT;

CREATE TABLE ceremonies (
    number INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    transcript_sha256 BLOB NOT NULL,
    held INTEGER NOT NULL
) STRICT;

CREATE TRIGGER acts_stay BEFORE UPDATE ON acts BEGIN SELECT RAISE (ABORT, 'acts are never changed'); END;
CREATE TRIGGER acts_remain BEFORE DELETE ON acts BEGIN SELECT RAISE (ABORT, 'acts are never deleted'); END;
CREATE TRIGGER checkpoints_stay BEFORE UPDATE ON checkpoints
BEGIN SELECT RAISE (ABORT, 'checkpoints are never changed'); END;
CREATE TRIGGER checkpoints_remain BEFORE DELETE ON checkpoints
BEGIN SELECT RAISE (ABORT, 'checkpoints are never deleted'); END;
CREATE TRIGGER certificates_stay BEFORE UPDATE ON certificates
BEGIN SELECT RAISE (ABORT, 'certificates are never changed'); END;
CREATE TRIGGER certificates_remain BEFORE DELETE ON certificates
BEGIN SELECT RAISE (ABORT, 'certificates are never deleted'); END;
CREATE TRIGGER revocations_stay BEFORE UPDATE ON revocations
BEGIN SELECT RAISE (ABORT, 'revocations are never changed'); END;
CREATE TRIGGER revocations_remain BEFORE DELETE ON revocations
BEGIN SELECT RAISE (ABORT, 'revocations are never deleted'); END;
