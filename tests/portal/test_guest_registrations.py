"""What a guest has registered lets them in while they ask for it, and nobody in afterwards."""

from __future__ import annotations

import pytest

from appliance.accounts.sessions import ClientInfo
from appliance.demonstration.participants import OFFICER, ZHANG
from appliance.language import Language
from appliance.model.contract import Contract, Party
from appliance.wiring import Appliance
from hsm.authenticator import SoftwareAuthenticator
from hsm.client import AuthorityClient
from tests.portal.estate import Estate
from tests.portal.test_guest_correction import contract, correct, link_of, token

__all__ = ["contract"]


def register(appliance: Appliance, subject: str) -> SoftwareAuthenticator:
    """What *subject* sets up on the activation service's pages."""
    settings = appliance.settings
    device = SoftwareAuthenticator.create(settings.web.relying_party, settings.activation.origin)
    with AuthorityClient(settings.home.authority_socket("activation")) as service:
        service.register_passkey(subject, device.register(service.begin_registration(subject).challenge))
    return device


def admitted(appliance: Appliance, held: Contract) -> tuple[Party, str]:
    """The guest, who has come in by the code, and their link."""
    party = held.parties[0]
    link = token(link_of(appliance, party))
    code = appliance.guests.code(held.id, party.id, by=ZHANG.subject)
    appliance.entering.admit(link, code, ClientInfo("192.0.2.7"))
    return party, link


def lets_in(appliance: Appliance, link: str) -> list[bytes]:
    return [each.credential_id for each in appliance.entering.entry(link).passkeys]


def waits_for_an_officer(appliance: Appliance, guest: Party) -> bool:
    """Whether the initiator is told so."""
    entries = appliance.reminders.inbox.list_entries(ZHANG.subject, Language.ENGLISH)
    return any(guest.name in each.title and "waits for an officer" in each.title for each in entries)


@pytest.mark.parametrize("ends", ["refused", "withdrawn"])
def test_a_passkey_lets_a_guest_in_only_while_it_is_asked_for(
    estate: Estate, contract: Contract, ends: str
) -> None:
    appliance, requests = estate.appliance, estate.appliance.office.requests
    party, link = admitted(appliance, contract)
    device = register(appliance, party.subject)
    assert lets_in(appliance, link) == [], "nobody has asked for it"
    request = requests.submit_request(party.subject, by=party.subject)
    another = register(appliance, party.subject)
    assert lets_in(appliance, link) == [device.credential_id]
    assert waits_for_an_officer(appliance, party)
    if ends == "refused":
        requests.refuse_request(request.id, reason="证件已过期", by=OFFICER)
    else:
        requests.withdraw_request(request.id, by=party.subject)
    assert lets_in(appliance, link) == []
    assert not waits_for_an_officer(appliance, party)
    left = appliance.authority.pending_credentials(party.subject)
    assert [each.credential_id for each in left] == [another.credential_id]


@pytest.mark.parametrize("asks", [True, False])
def test_what_the_wrong_address_registered_is_forgotten(estate: Estate, contract: Contract, asks: bool) -> None:
    appliance = estate.appliance
    party, _link = admitted(appliance, contract)
    register(appliance, party.subject)
    if asks:
        appliance.office.requests.submit_request(party.subject, by=party.subject)
    _after, corrected = correct(estate, contract, email="right@epsilon.example")
    assert (corrected.subject == party.subject) is not asks
    for subject in {party.subject, corrected.subject}:
        assert appliance.authority.pending_credentials(subject) == []


def test_another_telephone_number_forgets_nothing(estate: Estate, contract: Contract) -> None:
    appliance = estate.appliance
    party, _link = admitted(appliance, contract)
    device = register(appliance, party.subject)
    correct(estate, contract, phone="+86 10 1234 5678")
    left = appliance.authority.pending_credentials(party.subject)
    assert [each.credential_id for each in left] == [device.credential_id]
