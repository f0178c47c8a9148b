"""Proofs: right for every entry and every size, refused with a sentence for whatever else is asked."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable

import pytest

from appliance.errors import NotFound
from appliance.evidence import log_files as strangers
from appliance.ledger import LogAnswers, LogProofs, ParameterRefused, Sequencer, Tiles
from appliance.ledger.tree import StoredTree
from appliance.store.database import Database
from hsm.merkle import EMPTY_ROOT, leaf_hash, root_from_inclusion, verify_inclusion
from tests.ledger.local_authority import LocalAuthority
from tests.log import verify_consistency

Grow = Callable[[int], None]
SIZE = 37


@pytest.fixture
def proofs(database: Database, sequencer: Sequencer, grow: Grow) -> LogProofs:
    grow(SIZE)
    sequencer.run_once()
    grow(3)  # not under a checkpoint yet
    return LogProofs(database)


@pytest.fixture
def answers(database: Database, proofs: LogProofs) -> LogAnswers:
    return LogAnswers(proofs, Tiles(database))


@pytest.fixture
def roots(database: Database, proofs: LogProofs) -> list[bytes]:
    with database.reading() as tx:
        return [EMPTY_ROOT, *(StoredTree(tx).root(size) for size in range(1, SIZE + 1))]


def test_every_entry_is_proven_in_every_size(proofs: LogProofs, roots: list[bytes]) -> None:
    for size in range(1, SIZE + 1):
        for index in range(size):
            leaf = leaf_hash(proofs.entry(index))
            path = proofs.inclusion(index, size)
            verify_inclusion(index=index, size=size, leaf=leaf, proof=path, root=roots[size])


def test_every_size_extends_every_smaller_one(proofs: LogProofs, roots: list[bytes]) -> None:
    for new in range(SIZE + 1):
        for old in range(new + 1):
            proof = proofs.consistency(old, new)
            verify_consistency(old_size=old, old_root=roots[old], new_size=new, new_root=roots[new], proof=proof)
        assert proofs.consistency(new, new) == []


def test_the_proof_file_is_read_by_the_evidence_checker(proofs: LogProofs) -> None:
    for index in (0, 17, SIZE - 1):
        parsed = strangers.parse_proof(proofs.proof_file(index))
        assert parsed.index == index
        assert parsed.checkpoint == proofs.checkpoint().note
        leaf = leaf_hash(proofs.entry(index))
        root = root_from_inclusion(index, SIZE, leaf, parsed.hashes)
        assert root == proofs.checkpoint().root


def test_the_checkpoint_is_plain_text_under_the_logs_name(answers: LogAnswers, local: LocalAuthority) -> None:
    answer = answers.checkpoint()
    assert answer.content_type.startswith("text/plain")
    assert not answer.lasting
    assert answer.body.split(b"\n")[0].decode() == local.key.name


def test_hashes_are_padded_base64_in_json(answers: LogAnswers, proofs: LogProofs) -> None:
    for answer, hashes in (
        (answers.inclusion("3", "20"), proofs.inclusion(3, 20)),
        (answers.consistency("5", "20"), proofs.consistency(5, 20)),
        (answers.consistency("20", "20"), []),
    ):
        assert answer.content_type == "application/json"
        assert [base64.b64decode(each, validate=True) for each in json.loads(answer.body)["hashes"]] == hashes


def test_an_entry_is_given_byte_for_byte(answers: LogAnswers, proofs: LogProofs) -> None:
    assert answers.entry("5").body == proofs.entry(5)


NOT_NUMBERS = [None, "", "-1", "+1", "1.0", "1e3", "x", " 1", "1 ", "01", "١", "1\n", "9" * 30, "0x1", "null"]


@pytest.mark.parametrize("text", NOT_NUMBERS)
def test_what_is_no_number_is_refused_with_a_sentence(answers: LogAnswers, text: str | None) -> None:
    for ask in (
        lambda: answers.entry(text),
        lambda: answers.inclusion(text, "5"),
        lambda: answers.inclusion("1", text),
        lambda: answers.consistency(text, "5"),
        lambda: answers.consistency("1", text),
        lambda: answers.proof_file(text),
    ):
        with pytest.raises(ParameterRefused) as refusal:
            ask()
        assert str(refusal.value).endswith(".")


@pytest.mark.parametrize(
    ("index", "size"), [(SIZE, SIZE), (5, 5), (0, 0), (0, SIZE + 1), (2**62, SIZE), (0, 2**59)]
)
def test_inclusion_out_of_range_is_refused(answers: LogAnswers, index: int, size: int) -> None:
    with pytest.raises(ParameterRefused):
        answers.inclusion(str(index), str(size))


@pytest.mark.parametrize(("old", "new"), [(6, 5), (0, SIZE + 1), (SIZE + 1, SIZE + 1)])
def test_consistency_out_of_range_is_refused(answers: LogAnswers, old: int, new: int) -> None:
    with pytest.raises(ParameterRefused):
        answers.consistency(str(old), str(new))


def test_an_entry_without_a_checkpoint_is_not_shown_yet(answers: LogAnswers) -> None:
    with pytest.raises(ParameterRefused):
        answers.entry(str(SIZE))


def test_an_empty_log_says_so(database: Database) -> None:
    answers = LogAnswers(LogProofs(database), Tiles(database))
    for ask in (
        answers.checkpoint,
        lambda: answers.entry("0"),
        lambda: answers.inclusion("0", "1"),
        lambda: answers.consistency("0", "0"),
    ):
        with pytest.raises(NotFound, match="no checkpoint yet"):
            ask()
