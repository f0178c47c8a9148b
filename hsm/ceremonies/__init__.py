"""Ceremony files that come with the authority: one for development; an enterprise writes and reviews its own."""
