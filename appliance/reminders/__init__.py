"""Deadlines and reminders: who is reminded of what and when, in the portal, by mail and in calendars."""
