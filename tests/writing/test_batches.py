"""Batches of the API: what is wrong with their rows, what becomes of each row, and whose they are."""

from __future__ import annotations

import csv
import io
import secrets
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from appliance.acting_client import ClientReach, acting_for
from appliance.api_clients import new_secret, secret_digest
from appliance.demonstration.participants import LI, ZHANG
from appliance.errors import ConfinementFailed, NotFound, PreconditionRefused, StateRefused
from appliance.model.api_clients import ClientAuthentication, ClientTerms, Scope
from appliance.model.contract import Contract, ContractState, Money
from appliance.model.mail_merge import (
    LIST_ROLE,
    BatchOrder,
    FaultMode,
    MailMerge,
    MergeStage,
    RowState,
    TypedParty,
    TypedRow,
)
from appliance.model.template_parties import RoleKind, TemplateParties, TemplateRole
from appliance.model.writing import Template
from appliance.store import contracts
from appliance.typesetting import typesetter
from appliance.wiring import Appliance
from appliance.workbooks import MOST_ROWS
from appliance.writing import MergeRounds, merge_rounds
from appliance.writing.mail_merges import MOST_ON_A_PAGE, ListRefused
from tests.batches.stock import findings, published, typed_row, typed_rows
from tests.typeset_once import Typesetter
from tests.world import contract_now

BY = ZHANG.subject
REACH = ClientReach("client-00000000000000e1", frozenset({ZHANG.organisation}))
OTHER = replace(REACH, client="client-00000000000000e2")
OWN = replace(typed_row(7), parties={LIST_ROLE: TypedParty("钱七", "甲公司示例有限公司", "q@c.example")})
"""A row that is refused only when it is made: nobody from outside is of the house."""


@pytest.fixture(autouse=True)
def clients(appliance: Appliance) -> None:
    """Both are registered, once in a home."""
    for each, name in ((REACH, "示例 ERP"), (OTHER, "示例 OA")):
        terms = ClientTerms(name, frozenset({Scope.CONTRACTS_WRITE}), each.organisations)
        try:
            appliance.api_clients.find(each.client)
        except NotFound:
            proof = ClientAuthentication(secret=secret_digest(new_secret()))
            appliance.api_clients.create(each.client, terms, proof, by="root")


def created(appliance: Appliance, template: Template, rows: Sequence[TypedRow], **order: object) -> MailMerge:
    return appliance.mail_merges.create(replace(BatchOrder(template.id, rows), **order), by=BY)  # type: ignore[arg-type] # fields of the order


def run(rounds: MergeRounds, lanes: int = merge_rounds.LANES) -> None:
    while rounds.run_round(lanes=lanes):
        pass


def counts(appliance: Appliance, batch: MailMerge) -> dict[RowState, int]:
    return appliance.mail_merges.progress(batch.id, BY).counts


def test_each_row_is_made_and_sent_and_has_its_result(appliance: Appliance, template: Template) -> None:
    rows = [*typed_rows(5), OWN]
    batch = created(appliance, template, rows, stage=MergeStage.SENDING)
    run(appliance.merge_rounds)
    merges = appliance.mail_merges
    assert counts(appliance, batch) == {RowState.SENT: 5, RowState.FAILED: 1}
    first = merges.rows(batch.id, BY, most=2)
    rest = merges.rows(batch.id, BY, after=first[-1].number)
    assert [row.number for row in first + rest] == [1, 2, 3, 4, 5, 6]
    assert [row.reference for row in first + rest] == [f"PO-{number}" for number in (0, 1, 2, 3, 4, 7)]
    [failed] = merges.rows(batch.id, BY, state=RowState.FAILED)
    assert failed.code == "precondition-refused" and failed.refusal is not None
    assert "An outside signer cannot be of" in failed.refusal.template
    sent = contract_now(appliance, (first + rest)[3].contract or "")
    assert sent.state is ContractState.SENT and sent.title == "批次 3" and sent.amount == Money(450, "CNY")
    assert merges.retry(batch.id, by=BY) == 1
    run(appliance.merge_rounds)
    assert counts(appliance, batch) == {RowState.SENT: 5, RowState.FAILED: 1}


def wrong_rows() -> list[tuple[TypedRow, str, str]]:
    """A row with one fault each, where it is, and words of its sentence."""
    row, party = typed_row(1), TypedParty("钱一", "丙公司", "q@c.example")

    def named(**change: str) -> TypedRow:
        return replace(row, parties={LIST_ROLE: replace(party, **change)})  # type: ignore[arg-type] # texts alone

    return [
        (named(email="nobody"), "parties/guest/email", "e-mail address"),
        (named(name=""), "parties/guest/name", "has to be filled in"),
        (named(phone="12"), "parties/guest/phone", "telephone"),
        (replace(row, parties={LIST_ROLE: party, "Bank": party}), "parties/Bank", "no open role"),
        (replace(row, deadline="2020-01-01"), "deadline", "has passed"),
        (replace(row, deadline="tomorrow"), "deadline", "2026-12-31"),
        (replace(row, amount="much"), "amount", "in digits"),
        (replace(row, title="t" * 201), "title", "too long"),
        (replace(row, reference="r" * 201), "reference", "too long"),
        (typed_row(1, 价格="-5"), "fields/价格", "in digits"),
        (typed_row(1, 交货=46387), "fields/交货", "not a date"),
        (typed_row(1, 含税="maybe"), "fields/含税", "yes or no"),
        (typed_row(1, 价格=["5"]), "fields/价格", "A text, a number"),
        (typed_row(1, 颜色="red"), "fields/颜色", "no field of this name"),
    ]


def test_each_fault_says_where_it_is_and_nothing_is_kept(appliance: Appliance, template: Template) -> None:
    wrong = wrong_rows()
    rows = [replace(row, reference=row.reference[1:] + str(place)) for place, (row, _, _) in enumerate(wrong)]
    chosen = secrets.token_hex(12)
    with pytest.raises(ListRefused) as refused:
        created(appliance, template, [*rows, typed_row(90), typed_row(90)], id=chosen)
    told = refused.value.problems
    assert [each.row for each in told] == [*range(1, len(rows) + 1), len(rows) + 2]
    for (_, path, said), each in zip(wrong, told, strict=False):
        assert each.column == path and said in each.sentence.template.format(**each.sentence.values)
    assert told[-1].column == "reference" and told[-1].sentence.values == {"row": len(rows) + 1}
    with pytest.raises(NotFound):
        appliance.mail_merges.progress(chosen, BY)


def test_ten_thousand_rows_with_a_fault_in_each_hundred(appliance: Appliance, template: Template) -> None:
    rows = [typed_row(number, **({"价格": "?"} if number % 100 == 57 else {})) for number in range(MOST_ROWS)]
    with pytest.raises(ListRefused) as refused:
        created(appliance, template, rows)
    bad = [number + 1 for number in range(57, MOST_ROWS, 100)]
    assert [each.row for each in refused.value.problems] == bad and refused.value.total == 100
    batch = created(appliance, template, rows, mode=FaultMode.GOOD_ROWS, stage=MergeStage.REVIEW)
    told = [fault for _, fault in appliance.mail_merges.faults(batch.id, BY)]
    assert [each.row for each in told] == bad and {each.column for each in told} == {"fields/价格"}
    assert batch.rejected == 100 and counts(appliance, batch) == {RowState.WAITING: MOST_ROWS - 100}
    seen: list[int] = []
    while page := appliance.mail_merges.rows(batch.id, BY, after=seen[-1] if seen else 0):
        assert len(page) <= MOST_ON_A_PAGE
        seen += [row.number for row in page]
    assert seen == sorted(set(range(1, MOST_ROWS + 1)) - set(bad))
    appliance.mail_merges.remove(batch.id, by=BY)
    with pytest.raises(PreconditionRefused, match="10,000"):
        created(appliance, template, [*rows, typed_row(MOST_ROWS)])


def test_a_list_without_a_good_row_is_refused_in_either_mode(appliance: Appliance, template: Template) -> None:
    with pytest.raises(ListRefused):
        created(appliance, template, [typed_row(1, 价格="?")], mode=FaultMode.GOOD_ROWS)
    with pytest.raises(PreconditionRefused, match="no rows"):
        created(appliance, template, [])


def document(*rows: Sequence[str]) -> bytes:
    file = io.StringIO()
    csv.writer(file).writerows([("Name", "Organisation", "E-mail", "价格", "是否含税", "Reference"), *rows])
    return file.getvalue().encode()


def test_a_document_is_a_batch_with_references(appliance: Appliance, template: Template) -> None:
    good = ("钱一", "丙公司", "q@c.example", "5", "yes", "A-1")
    given = document(good, ("钱二", "", "nobody", "5", "no", "A-2"), ("钱三", "", "q@c.example", "5", "", "A-1"))
    with pytest.raises(ListRefused) as refused:
        created(appliance, template, (), document=given)
    assert [(each.row, each.cell) for each in refused.value.problems] == [(3, "C3"), (4, "F4")]
    batch = created(appliance, template, (), document=given, mode=FaultMode.GOOD_ROWS)
    run(appliance.merge_rounds)
    [row] = appliance.mail_merges.rows(batch.id, BY)
    assert (row.reference, row.state, batch.rejected) == ("A-1", RowState.DRAFT, 2)


def test_what_is_asked_for_again_is_found(appliance: Appliance, template: Template) -> None:
    chosen, rows = secrets.token_hex(12), typed_rows(2)
    batch = created(appliance, template, rows, id=chosen)
    assert batch.id == chosen and created(appliance, template, rows, id=chosen) == batch
    run(appliance.merge_rounds)
    assert created(appliance, template, rows, id=chosen) == batch
    assert counts(appliance, batch) == {RowState.DRAFT: 2}
    with pytest.raises(StateRefused):
        created(appliance, template, typed_rows(3), id=chosen)
    with pytest.raises(StateRefused), acting_for(REACH):
        created(appliance, template, rows, id=chosen)
    with pytest.raises(PreconditionRefused, match="24 hexadecimal"):
        created(appliance, template, rows, id="1")


class Breaking:
    """A typesetter whose process ends by a signal for orders that hold *word*; else it is *typesetter*."""

    def __init__(self, typesetter: Typesetter, word: bytes = b"") -> None:
        self._typesetter = typesetter
        self._word = word

    def __call__(self, order: bytes, patience: float, nice: int = 0) -> subprocess.CompletedProcess[bytes]:
        if self._word not in order:
            return self._typesetter(order, patience, nice)
        return subprocess.run([sys.executable, "-c", "import os; os.abort()"], capture_output=True, check=False)


def test_a_typesetter_that_breaks_is_no_fault_of_a_row(
    appliance: Appliance, template: Template, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = created(appliance, template, typed_rows(3))
    with monkeypatch.context() as patch:
        patch.setattr(typesetter, "_done", Breaking(typesetter._done))
        for _ in range(2):
            with pytest.raises(ConfinementFailed) as failed:
                appliance.merge_rounds.run_round(lanes=1)
            assert failed.value.values["cause"] == "unavailable"
    assert counts(appliance, batch) == {RowState.MAKING: 3}
    run(appliance.merge_rounds)
    assert counts(appliance, batch) == {RowState.DRAFT: 3}


def test_a_text_that_breaks_the_typesetter_stops_no_other_row(
    appliance: Appliance, template: Template, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = created(appliance, template, [typed_row(0), typed_row(1, 交货="2091-12-31"), typed_row(2)])
    with monkeypatch.context() as patch:
        patch.setattr(typesetter, "_done", Breaking(typesetter._done, b"2091"))
        run(appliance.merge_rounds)
    assert counts(appliance, batch) == {RowState.DRAFT: 2, RowState.FAILED: 1}
    [failed] = appliance.mail_merges.rows(batch.id, BY, state=RowState.FAILED)
    assert failed.code == "confinement-failed"


def test_what_was_not_made_yet_can_be_cancelled(
    appliance: Appliance, template: Template, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch, draft = created(appliance, template, typed_rows(12)), appliance.drafting.draft
    cancelled: list[int] = []

    def drafting(*args: object, **kwargs: object) -> Contract:
        if not cancelled:
            cancelled.append(appliance.mail_merges.cancel(batch.id, by=BY))
        return draft(*args, **kwargs)  # type: ignore[arg-type] # as they came

    monkeypatch.setattr(merge_rounds, "TOGETHER", 4)
    monkeypatch.setattr(appliance.drafting, "draft", drafting)
    run(appliance.merge_rounds, lanes=1)
    assert cancelled == [8], "those that are in the making are finished"
    assert counts(appliance, batch) == {RowState.DRAFT: 4, RowState.CANCELLED: 8}
    appliance.mail_merges.send_all(batch.id, by=BY)
    run(appliance.merge_rounds)
    assert counts(appliance, batch) == {RowState.SENT: 4, RowState.CANCELLED: 8}


def test_a_row_that_could_not_be_sent_is_not_made_again(
    appliance: Appliance, template: Template, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its draft is there: a retry sends that, and cancelling leaves it alone."""
    with monkeypatch.context() as patch:
        patch.setattr(appliance.sending, "send", refusing)
        batch = created(appliance, template, typed_rows(2), stage=MergeStage.SENDING)
        run(appliance.merge_rounds)
    assert counts(appliance, batch) == {RowState.FAILED: 2}
    assert appliance.mail_merges.retry(batch.id, by=BY) == 2 and appliance.mail_merges.cancel(batch.id, by=BY) == 0
    run(appliance.merge_rounds)
    rows = appliance.mail_merges.rows(batch.id, BY)
    assert {row.state for row in rows} == {RowState.SENT}
    assert {contract_now(appliance, row.contract or "").state for row in rows} == {ContractState.SENT}


def test_a_contract_that_somebody_took_over_stops_no_round(
    appliance: Appliance, template: Template, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(appliance.sending, "send", refusing)
        batch = created(appliance, template, typed_rows(2), stage=MergeStage.SENDING)
        run(appliance.merge_rounds)
    taken, _ = appliance.mail_merges.rows(batch.id, BY)
    with appliance.database.transaction() as tx:
        contracts.set_initiator(tx, contract_now(appliance, taken.contract or ""), LI.subject)
    appliance.mail_merges.retry(batch.id, by=BY)
    run(appliance.merge_rounds, lanes=1)
    first, second = appliance.mail_merges.rows(batch.id, BY)
    assert (first.state, first.code, second.state) == (RowState.FAILED, "not-found", RowState.SENT)


def test_a_row_says_what_became_of_its_draft(appliance: Appliance, template: Template) -> None:
    """Who threw it away may be a colleague who took it over, of whose doings the owner learns nothing."""
    batch = created(appliance, template, typed_rows(3), stage=MergeStage.MAKING)
    run(appliance.merge_rounds)
    own, *taken = (row.contract or "" for row in appliance.mail_merges.rows(batch.id, BY))
    appliance.endings.discard(own, by=BY)
    with appliance.database.transaction() as tx:
        for each in taken:
            contracts.set_initiator(tx, contract_now(appliance, each), LI.subject)
    appliance.endings.discard(taken[0], by=LI.subject)
    appliance.mail_merges.send_all(batch.id, by=BY)
    run(appliance.merge_rounds)
    said = [row.refusal.template for row in appliance.mail_merges.rows(batch.id, BY) if row.refusal]
    assert said == ["This draft was thrown away.", *["Somebody else has taken over this draft."] * 2]


def refusing(*_: object, **__: object) -> None:
    raise PreconditionRefused("The type of the contract is missing.")


def test_a_batch_is_its_clients_and_its_owners(appliance: Appliance, template: Template) -> None:
    merges = appliance.mail_merges
    with acting_for(REACH):
        batch = created(appliance, template, typed_rows(1))
        assert batch.client == REACH.client and merges.find(batch.id) == batch
        assert batch in merges.of_client() and not merges.of_client(before=batch.id)
    with acting_for(OTHER):
        for reads in (
            merges.find,
            lambda each: merges.progress(each, BY),
            lambda each: merges.cancel(each, by=BY),
        ):
            with pytest.raises(NotFound):
                reads(batch.id)
        assert not merges.of_client()
    with pytest.raises(NotFound):
        merges.progress(batch.id, LI.subject)
    assert batch.id in {each.id for each, _ in merges.mine(BY)}, "its owner finds it in the portal"


@pytest.mark.parametrize(
    "reach", [replace(REACH, organisations=frozenset({"乙公司"})), replace(REACH, kinds=frozenset({"租赁"}))]
)
def test_a_client_makes_batches_within_its_reach_alone(
    appliance: Appliance, template: Template, reach: ClientReach
) -> None:
    with pytest.raises(NotFound), acting_for(reach):
        created(appliance, template, typed_rows(1))
    with acting_for(REACH):
        batch = created(appliance, template, typed_rows(2))
    run(rounds_with(appliance, lambda _client: reach))
    rows = appliance.mail_merges.rows(batch.id, BY)
    assert {row.state for row in rows} == {RowState.FAILED}, "it has lost them since"
    assert Counter(row.code for row in rows) == {"precondition-refused": 2}


def rounds_with(appliance: Appliance, reach_of: Callable[[str], ClientReach | None]) -> MergeRounds:
    workflows = appliance.drafting, appliance.sending
    return MergeRounds(appliance.database, appliance.writing.templates, workflows, appliance.now, reach_of)


def test_the_batch_of_a_suspended_client_rests(appliance: Appliance, template: Template) -> None:
    """And holds up nobody; in the middle of its rows, too."""
    asked: list[str] = []

    def suspended_soon(client: str) -> ClientReach | None:
        asked.append(client)
        return REACH if len(asked) < 4 else None

    with acting_for(REACH):
        batch = created(appliance, template, typed_rows(4))
    other = created(appliance, template, typed_rows(1))
    run(rounds_with(appliance, suspended_soon), lanes=1)
    found = counts(appliance, batch)
    assert RowState.DRAFT in found and found.keys() & {RowState.WAITING, RowState.MAKING}
    assert counts(appliance, other) == {RowState.DRAFT: 1}
    run(appliance.merge_rounds)
    assert counts(appliance, batch) == {RowState.DRAFT: 4}


def test_typed_rows_name_whoever_takes_each_open_role(appliance: Appliance) -> None:
    """A list of columns names one only."""
    template, by = published(appliance), BY
    roles = (
        TemplateRole("甲方", RoleKind.SENDER),
        TemplateRole("乙方", RoleKind.OPEN),
        TemplateRole("丙方", RoleKind.OPEN),
    )
    template = appliance.writing.templates.keep_parties(template.id, TemplateParties(roles=roles), by=by, seen=1)
    parties = {
        "乙方": TypedParty("钱一", "丙公司", "q@c.example"),
        "丙方": TypedParty("孙二", "丁公司", "s@d.example"),
    }
    batch = created(appliance, template, [replace(typed_row(1), parties=parties)])
    with pytest.raises(ListRefused) as refused:
        created(appliance, template, [replace(typed_row(1), parties={"丙方": parties["丙方"]})])
    assert {each.column for each in refused.value.problems} == {"parties/乙方/name", "parties/乙方/email"}
    with pytest.raises(PreconditionRefused, match="leaves 2 open"):
        created(appliance, template, (), document=document())
    run(appliance.merge_rounds)
    [row] = appliance.mail_merges.rows(batch.id, BY)
    names = [party.name for party in contract_now(appliance, row.contract or "").parties]
    assert names == [ZHANG.name, "钱一", "孙二"]


@pytest.mark.parametrize("seed", [1])
def test_a_process_that_is_killed_again_and_again_makes_and_sends_each_row_once(
    appliance: Appliance, template: Template, seed: int
) -> None:
    """At random moments, of making and of sending; for a client, as its batch is made and sent."""
    with acting_for(REACH):
        batch = created(appliance, template, typed_rows(40, "中断"), stage=MergeStage.SENDING, id=f"{seed:024x}")
    root = str(appliance.settings.home.root)
    command = [sys.executable, "-m", "tests.batches.rounds", root, "6", str(seed)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 1, "killed more than once"
    assert not findings(appliance, batch, 40)
