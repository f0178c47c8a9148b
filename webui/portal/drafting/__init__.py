"""New contracts: where the text comes from, then four steps to a contract that is sent: ``/contracts/new`` and
``/contracts/<id>/draft/…``."""

from webui.portal.drafting import annexes, check, document, fields, parties
from webui.portal.drafting.steps import pages

__all__ = ["annexes", "check", "document", "fields", "pages", "parties"]
