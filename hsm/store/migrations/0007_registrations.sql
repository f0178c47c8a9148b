-- Credentials that people have registered on the activation service's pages and no officer has decided about: what an
-- officers' intent names by its fingerprint. Challenges of registrations that have begun.
CREATE TABLE registrations (
    number INTEGER PRIMARY KEY,
    challenge BLOB NOT NULL UNIQUE CHECK (length(challenge) = 32),
    subject TEXT NOT NULL,
    expires INTEGER NOT NULL
) STRICT;
CREATE INDEX registrations_of_subject ON registrations (subject);

CREATE TABLE pending_credentials (
    number INTEGER PRIMARY KEY,
    fingerprint TEXT NOT NULL UNIQUE,
    subject TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('webauthn', 'pin-totp')),
    credential_id BLOB,
    public_key BLOB,
    pin_hash TEXT,
    totp_secret BLOB,
    totp_step INTEGER NOT NULL DEFAULT 0,
    registered INTEGER NOT NULL,
    UNIQUE (subject, credential_id),
    CHECK (
        (kind = 'webauthn' AND credential_id IS NOT NULL AND public_key IS NOT NULL)
        OR (kind = 'pin-totp' AND pin_hash IS NOT NULL AND totp_secret IS NOT NULL)
    )
) STRICT;
CREATE INDEX pending_credentials_of_subject ON pending_credentials (subject);

-- By what the portal knows again which of its forms led to a credential.
ALTER TABLE credentials ADD COLUMN reference TEXT;
