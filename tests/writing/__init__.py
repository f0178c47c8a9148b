"""Contracts written online, and word processors' files."""
