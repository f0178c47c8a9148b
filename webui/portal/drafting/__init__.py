"""New contracts: where the text comes from, then four steps to a contract that is sent: ``/contracts/new`` and
``/contracts/<id>/draft/…``."""

from webui.portal.drafting import check, document, fields, parties
from webui.portal.drafting.steps import pages

__all__ = ["check", "document", "fields", "pages", "parties"]
