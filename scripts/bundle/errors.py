"""What can stop a bundle."""

from __future__ import annotations


class BundleFailed(Exception):
    """Nothing was left behind; the text says what was missing and what to do."""
