"""What the portal's pages share besides :mod:`webui.shared.form_pages`: their appliance, names and files."""

from __future__ import annotations

import io
from collections.abc import Callable

from flask import Response, redirect, request, send_file
from werkzeug.wrappers import Response as BaseResponse

from appliance.documents.page_pictures import offered
from appliance.errors import NotFound
from appliance.model.contract import Contract, Party, PartyKind
from webui.shared.forms import address_once
from webui.shared.served import Portal, appliance

__all__ = ["Portal", "appliance", "house_names", "name_of", "once", "page_width", "party_names", "saved_file"]


def once(subject: str, make: Callable[[], str]) -> BaseResponse:
    """303 to the address that *make* returns; it runs once for each form of *subject*. Raises what it raises."""
    return redirect(address_once(appliance.submissions, subject, make), 303)


def name_of(subject: str) -> str:
    """The name that people know; the subject itself for somebody who is not known any more."""
    try:
        return appliance.registry.person(subject).name
    except NotFound:
        return subject


def house_names(own: str) -> Callable[[str], str]:
    """The same for a reader of the *own* organisation, with what tells people of the house from others of the same
    name."""
    return lambda subject: appliance.registry.called(subject, own) or subject


def party_names(own: str) -> Callable[[Party], str]:
    """The name of a party in the contract, with the same beside it for the house's own people."""

    def name(party: Party) -> str:
        known = appliance.registry.called(party.subject, own) if party.kind is PartyKind.PERSON else None
        return (
            known if known is not None and known.startswith((f"{party.name} (", f"{party.name}（")) else party.name
        )

    return name


def saved_file(content: bytes, kind: str, name: str) -> Response:
    """A file that browsers always save, and never show themselves."""
    return send_file(io.BytesIO(content), mimetype=kind, as_attachment=True, download_name=name)


USUAL_WIDTH = 1000
"""Of a page's picture, in pixels."""


def page_width(contract: Contract, number: int) -> int:
    """The width in pixels of the picture of page *number* that is asked for. Raises :class:`NotFound`."""
    if not 1 <= number <= contract.pages:
        raise NotFound("There is no page {page}; the document has {pages}.", page=number, pages=contract.pages)
    return offered(request.args.get("width", USUAL_WIDTH, type=int))
