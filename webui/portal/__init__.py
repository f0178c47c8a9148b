"""The portal: pages for people, and the public addresses that programs rely on."""

from webui.portal.application import create_app
from webui.portal.parts import PortalParts

__all__ = ["PortalParts", "create_app"]
