-- When somebody got the last mail with reminders.
CREATE INDEX outbox_reminded ON outbox (recipient, settled) WHERE kind = 'reminders' AND state IN ('sent', 'unknown');
