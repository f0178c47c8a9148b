"""Telling people what happened: notices, the outbox, mail."""
