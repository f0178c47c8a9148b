"""My signatures and seals: how one's signature looks, and the seals that one keeps or may ask for."""

from webui.portal.signatures.page import blueprint

__all__ = ["blueprint"]
