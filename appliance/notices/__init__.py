"""Notices to people: their messages, the outbox, mail."""
