"""Writing online: texts (``/writing/…``) and templates (``/templates/…``)."""

from webui.portal.writing import templates
from webui.portal.writing.texts import pages

__all__ = ["pages", "templates"]
