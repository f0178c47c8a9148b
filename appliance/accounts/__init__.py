"""Accounts: registered people and seals, roles, signing in, second factors, sessions, recovery."""
