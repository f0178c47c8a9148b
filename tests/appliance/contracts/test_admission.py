"""A contract is obtained by ``admit``; whatever loads one without it is listed here, with the reason."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

from appliance.contracts.access import Contracts

ROOT = Path(__file__).parents[3]

WITHOUT_ADMISSION: Mapping[str, frozenset[str]] = {
    "the check itself, and the contract again in the transaction of an admitted command": frozenset(
        {
            "contracts/access.py admit",
            "contracts/access.py refresh_lists",
            "contracts/drafting.py draft_again",
        }
    ),
    "the draft that a text went into, in whose history stands what is said of the text": frozenset(
        {"writing/comments.py open_text"}
    ),
    "what whoever knows its document code may see of a contract, and nothing of its words": frozenset(
        {"document_codes.py find"}
    ),
    "signing: SigningPermitted asks the same table, in the list of what a signature needs": frozenset(
        {
            "contracts/agreement.py _require_able",
            "contracts/completion.py _commit",
            "contracts/completion.py complete",
            "own_certificates.py _commit",
            "contracts/signing.py _claimed",
            "contracts/signing.py _persist",
            "contracts/signing.py context",
            "contracts/signing.py finish",
            "seal_requests/requests.py _require_askable",
            "seal_requests/requests.py require_usable",
        }
    ),
    "an earlier contract, which the drafter of an agreement was admitted to change: number and digest": frozenset(
        {
            "contracts/amendment_rules.py _record",
            "contracts/amendment_rules.py refusals_to_send",
            "contracts/amendment_rules.py sent_fields",
        }
    ),
    "a job of the appliance: it acts for nobody": frozenset(
        {
            "archive_renewal.py renew_contract",
            "archive_renewal.py _commit",
            "archive_renewal.py _read",
            "contracts/endings.py expire",
            "contracts/finalisation.py _commit",
            "contracts/finalisation.py finalise",
            "contracts/recovery.py _overdue",
            "contracts/recovery.py _unsealed",
            "guests/vouching.py run",
            "seal_requests/status.py lapse_of",
        }
    ),
    "a notice to somebody whom the contract names: what it says of it is for the recipient": frozenset(
        {
            "notices/delivery.py _answers",
            "notices/delivery.py _context",
            "notices/delivery.py _guest_on_turn",
            "office/notifying.py notify_inviter",
            "reminders/derivation.py derive_plan",
            "reminders/messages.py _not_before",
            "reminders/messages.py line_of_reminder",
            "reminders/services.py entry",
        }
    ),
    "what is disclosed of the log follows a rule of its own, by organisation": frozenset(
        {"ledger/disclosure.py drafted_by", "ledger/timeline.py whole"}
    ),
    "whoever holds a guest's link is nobody yet: the page tells the title and how it ended": frozenset(
        {"guests/entering.py _entry", "guests/embedding.py _entry", "guests/inviting.py link_for"}
    ),
    "the demonstration's people sign what waits for them, and tell the codes of their own contracts": frozenset(
        {"demonstration/story.py sign_waiting", "demonstration/story.py tell_codes"}
    ),
    "the scheduler sends a guest's code, and tells the initiator when it cannot": frozenset(
        {"guests/texting.py compose", "guests/texting.py on_failure"}
    ),
    "somebody has left, is away or hands over their own: the contract says who decides": frozenset(
        {
            "contracts/handing_over.py open_parts",
            "contracts/handing_over.py reassign",
            "contracts/handing_over.py take_over",
        }
    ),
    "officers and administrators, who read no contract: they are told yes or no": frozenset(
        {
            "powers/register.py _instrument",
            "retention.py _disposable",
            "retention.py _require_known",
        }
    ),
    "the scheduler ends what an initiator vouched for once the contract is over": frozenset(
        {"guests/vouching.py run"}
    ),
    "reviews lie below contracts: the drafter and reviewing colleagues have a rule of their own": frozenset(
        {
            "review/reviewing.py _own_draft",
            "review/reviewing.py _under_review",
            "review/reviewing.py answered",
            "review/reviewing.py case_within",
            "review/reviewing.py queue",
        }
    ),
}


def loading(tree: ast.AST, within: str = "") -> Iterator[str]:
    """The functions that name ``load_contract``; of nested ones the innermost."""
    for node in ast.iter_child_nodes(tree):
        name = node.name if isinstance(node, ast.FunctionDef) else within
        if "load_contract" in (getattr(node, "attr", ""), getattr(node, "id", "")):
            yield name
        yield from loading(node, name)


def test_nothing_else_obtains_a_contract_without_admission() -> None:
    found = {
        f"{path.relative_to(ROOT / package)} {function}"
        for package in ("appliance", "webui")
        for path in (ROOT / package).rglob("*.py")
        if "store" not in path.parts
        for function in loading(ast.parse(path.read_text(encoding="utf-8")))
    }
    assert found == frozenset().union(*WITHOUT_ADMISSION.values())


def test_the_portal_asks_for_a_contract_only_in_somebodys_name() -> None:
    public = {name for name in vars(Contracts) if not name.startswith("_")}
    given_a_contract = {"document", "signatures"}
    by_id = {"acceptances", "authorisation_bases", "entries"}
    assert public == {"read_contract", "agreement_texts"} | given_a_contract | by_id
