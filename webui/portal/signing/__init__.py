"""Signing in the browser: the signing page, the agreement before it, requests for seals, guests from outside."""

from webui.portal.signing import agreement, guests, inviting, page, seals
from webui.portal.signing.sheet import pages

__all__ = ["agreement", "guests", "inviting", "page", "pages", "seals"]
