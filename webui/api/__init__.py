"""``/api/v1``: other programs of the enterprise prepare contracts and read what becomes of them.

``operations`` is the registry: each operation is declared once, in the module of its resource, and route, document
(``openapi``) and readable page (``pages``) come from there. ``running`` is how a request is worked on.
"""

from webui.api.application import install

__all__ = ["install"]
