"""The evidence package says who approved each use of a seal, in entries of the log that are proven in it."""

from __future__ import annotations

import json
from typing import Any

from appliance.demonstration.participants import LI
from appliance.evidence.exporting import Exporting
from appliance.evidence.repacked import read_zip
from appliance.ledger import Sequencer
from appliance.model.people import Person
from appliance.verification import Indication
from hsm.client import AuthorityClient
from tests.seals.conftest import HERE, Site
from tests.world import OURS, World


def test_both_custodians_stand_in_the_package(site: Site, world: World, custodians: tuple[Person, ...]) -> None:
    appliance, contract = site.appliance, site.sent(site.seal(*custodians[:2]), "双印合同")
    request = site.asked(contract)
    site.approve(request, custodians[0])
    site.approve(request, custodians[1])
    opened = appliance.signing.open(contract.id, contract.parties[0].id, HERE)
    site.confirm(LI.subject, opened.intent.intent)
    appliance.signing.sign(opened.intent.id, HERE)
    appliance.finalisation.finalise(contract.id)
    with AuthorityClient(world.home.authority_socket("scheduler")) as scheduler:
        Sequencer(appliance.database, scheduler).run_once()

    package = Exporting(appliance).export(contract.id, OURS).package

    files = read_zip(package).files
    history = next(bytes(data) for name, data in files.items() if name.endswith("history.json"))
    approvals = [each for each in _entries(json.loads(history)) if "approved" in str(each.get("kind", ""))]
    assert [each["kind"] for each in approvals] == ["seal-half-approved", "seal-approved"]
    assert [each["actor"] for each in approvals] == [each.subject for each in custodians[:2]]
    digest = appliance.seal_requests.act(request).digest.hex()
    assert {each["public"]["digest"] for each in approvals} == {digest}
    report = appliance.verifier.verify(package, file="evidence.zip")
    assert report.indication is Indication.PASSED, report.reasons


def _entries(value: object) -> list[dict[str, Any]]:
    """Every object in *value* that has a kind, in order."""
    if isinstance(value, dict):
        own = [value] if "kind" in value and "public" in value else []
        return own + [entry for each in value.values() for entry in _entries(each)]
    return [entry for each in value for entry in _entries(each)] if isinstance(value, list) else []
