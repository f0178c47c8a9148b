"""Signing in the browser: the signing page, several contracts at once, the agreement before it, requests for
seals, guests from outside, files that they have signed elsewhere."""

from webui.portal.signing import (
    agreement,
    batch,
    batch_results,
    filling,
    guests,
    inviting,
    own,
    page,
    page_reading,
    seals,
)
from webui.portal.signing.sheet import pages

__all__ = [
    "agreement",
    "batch",
    "batch_results",
    "filling",
    "guests",
    "inviting",
    "own",
    "page",
    "page_reading",
    "pages",
    "seals",
]
