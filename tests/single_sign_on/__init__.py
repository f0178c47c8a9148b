"""Signing in through an identity provider: one that others wrote, and one that lies."""
