"""Links that open in a frame, for tests: of a contract that an API client has made, as the API makes them."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.accounts.sessions import ClientInfo
from appliance.acting_client import acting_for
from appliance.api_clients import new_client_id, new_secret, secret_digest
from appliance.contracts.drafting import DraftTerms
from appliance.demonstration.participants import ZHANG
from appliance.model.accounts import LinkPurpose
from appliance.model.api_clients import ApiClient, ClientAuthentication, ClientTerms, Scope
from appliance.model.contract import GuestDetails, InputKind, Placement, SignerInput
from appliance.wiring import Appliance
from tests.world import sample_document

FIELD = SignerInput("", 0, InputKind.TEXT, "开户行", most=40)


@dataclass(frozen=True, slots=True)
class Framed:
    """A link for a frame, with what its guest needs besides."""

    contract: str
    party: str
    address: str
    token: str
    code: str


def embedding_client(appliance: Appliance, origin: str) -> ApiClient:
    """A client whose links may be embedded in pages of *origin*."""
    client = new_client_id()
    scopes = frozenset({Scope.CONTRACTS_READ, Scope.CONTRACTS_WRITE, Scope.LINKS_WRITE})
    terms = ClientTerms(client[-6:], scopes, frozenset({ZHANG.organisation}), origins=frozenset({origin}))
    proof = ClientAuthentication(secret=secret_digest(new_secret()))
    return appliance.api_clients.create(client, terms, proof, by="root")


def framed(appliance: Appliance, client: ApiClient) -> Framed:
    """The link of somebody from outside, who has a field to fill in, in a contract that waits for them."""
    by, [origin] = ZHANG.subject, client.origins
    with acting_for(client.reach):
        draft = appliance.drafting.draft(sample_document(2), DraftTerms("嵌入的合同", "采购", "示例", by))
        guest = GuestDetails("郑示例", "丙公司", "zheng@gamma.example", "+86 138 0000 0000")
        party = appliance.drafting.add_guest(draft.id, guest, by=by)
        appliance.drafting.place(draft.id, party.id, [Placement(0, 10, 80, 25, 8)], by=by)
        added = appliance.signer_inputs.add(draft.id, party.id, FIELD, by=by).require_party(party.id).inputs[-1].id
        appliance.signer_inputs.place(draft.id, added, [Placement(0, 20, 30, 40, 3)], by=by)
        appliance.sending.send(draft.id, by=by)
        link = appliance.given_links.give(draft.id, party.id, origin).embedded
    assert link is not None
    token = appliance.links.token_of(LinkPurpose.EMBEDDED, link.id)
    code = appliance.guests.code(draft.id, party.id, by=by)
    return Framed(draft.id, party.id, appliance.addresses.embedded_url(link), token, code)


def session_in(appliance: Appliance, link: Framed) -> str:
    """What the cookie of the frame holds after the code."""
    return appliance.given_links.admit(link.token, link.code, ClientInfo("192.0.2.7")).secret
