-- What somebody asks to sign with is registered at the authority and named by its fingerprint. Requests from before hold
-- keys that this database alone vouches for: they end, and their people register again.
UPDATE enrolment_requests SET state = 'refused', decided = asked, decided_by = 'system',
    reason = 'Passkeys for signing are now registered on the confirmation page. Please set yours up again.'
WHERE state = 'open';
DROP TABLE proposed_credentials;
CREATE TABLE proposed_credentials (
    request     TEXT NOT NULL REFERENCES enrolment_requests (id),
    position    INTEGER NOT NULL,
    kind        TEXT NOT NULL CHECK (kind IN ('webauthn', 'pin-totp')),
    fingerprint TEXT NOT NULL,
    PRIMARY KEY (request, position)
) STRICT;

-- An officer who is about to come by a code of a ceremony: the passkey is the authority's affair until then.
DROP TABLE appointments;
CREATE TABLE appointments (
    ticket       TEXT PRIMARY KEY,
    subject      TEXT NOT NULL,
    login        TEXT NOT NULL,
    name         TEXT NOT NULL,
    organisation TEXT NOT NULL,
    begun        TEXT NOT NULL
) STRICT;
