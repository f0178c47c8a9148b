"""Signing in the browser: the signing page, several contracts at once, the agreement before it, requests for
seals, guests from outside."""

from webui.portal.signing import agreement, batch, guests, inviting, page, seals
from webui.portal.signing.sheet import pages

__all__ = ["agreement", "batch", "guests", "inviting", "page", "pages", "seals"]
