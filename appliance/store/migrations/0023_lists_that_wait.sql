-- Lists and look-ups that would read whole tables: what a reviewer answered, which powers wait for their verification,
-- and whether a document is still needed by a power or a deposit.
CREATE INDEX review_requests_answered ON review_requests (decided_by, decided) WHERE decided_by IS NOT NULL;
CREATE INDEX powers_waiting ON powers (registered, id)
WHERE verified IS NULL AND refused IS NULL AND revoked IS NULL;
CREATE INDEX powers_of_contract ON powers (contract) WHERE contract IS NOT NULL;
CREATE INDEX powers_of_document ON powers (document);
CREATE INDEX deposits_of_certificate ON deposits (certificate);
