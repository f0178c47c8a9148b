"""Writing online: texts (``/writing/…``), templates (``/templates/…``), and lists that templates are sent to
(``/merges/…``)."""

from webui.portal.writing import merging, templates
from webui.portal.writing.texts import pages

__all__ = ["merging", "pages", "templates"]
