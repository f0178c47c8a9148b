"""``/contracts/ID/own``: for an outside signer with a certificate of their own: download the document, sign it
elsewhere, hand it in."""

from __future__ import annotations

from flask import request

from appliance.contracts.permissions import Permission
from appliance.errors import DocumentRefused, NotFound
from appliance.model.contract import Party, SigningOrder
from appliance.own_certificates import MOST_LISTS, SignedUpload
from appliance.signing_methods import SigningMethod
from hsm.names import same_organisation
from webui.portal.access import ContractView, request_origin, view_contract
from webui.portal.pages import appliance, saved_file
from webui.portal.signing.page import status_page
from webui.portal.signing.sheet import pages
from webui.shared.form_pages import Answer, form, render, see_other, status_in_workflow
from webui.shared.language import current_language
from webui.shared.markdown import render_markdown

_PLACES = {
    "agreement": "accepts",
    "revocation list": "crl",
    "": "document",
}
"""Words of a refusal → the field that it is about."""


def _party(seen: ContractView) -> Party:
    """The visitor's party, which signs elsewhere. Raises :class:`NotFound` for everybody else."""
    party = seen.own_party()
    if party is None or party.method is not SigningMethod.OWN_CERTIFICATE:
        raise NotFound("There is no contract {contract}.", contract=seen.contract.id)
    return party


@pages.get("/contracts/<contract_id>/own")
def own(contract_id: str) -> Answer:
    seen = view_contract(contract_id)
    party = _party(seen)
    if not seen.may(Permission.SIGN):
        return status_page(seen, party)
    title, text = render_markdown(appliance.agreements.text(current_language()))
    wanted = party.organisation or party.name
    return render(
        "signing/own.html",
        contract=seen.contract,
        party=party,
        agreement_title=title,
        agreement=text,
        authorities=[
            (each, appliance.office.anchors.described(each))
            for each in appliance.office.anchors.in_force()
            if same_organisation(each.organisation, wanted)
        ],
        inviter=appliance.registry.person(seen.contract.initiator),
        others=seen.contract.order is SigningOrder.PARALLEL and len(seen.contract.waiting) > 1,
        accepts=request.form.get("accepts") == "1",
    )


@pages.get("/contracts/<contract_id>/own/document.pdf")
def own_document(contract_id: str) -> Answer:
    seen = view_contract(contract_id)
    party = _party(seen)
    content = appliance.own_certificates.document(contract_id, party.id, by=seen.who.subject)
    return saved_file(content, "application/pdf", f"{contract_id}-{seen.contract.current.number}.pdf")


@pages.post("/contracts/<contract_id>/own")
@form(own, view_contract, _PLACES, status=status_in_workflow)
def hand_in(seen: ContractView, contract_id: str) -> Answer:
    party, given = _party(seen), request.files.get("document")
    if given is None or not given.filename:
        raise DocumentRefused("missing", "Choose the signed file.")
    crls = tuple(each.read() for each in request.files.getlist("crl")[:MOST_LISTS] if each.filename)
    upload = SignedUpload(given.read(), request.form.get("accepts") == "1", crls)
    origin = request_origin()
    appliance.own_certificates.hand_in(contract_id, party.id, upload, by=seen.who.subject, origin=origin)
    return see_other("signing.confirmation", contract_id=contract_id, party=party.id)
