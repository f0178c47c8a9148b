"""Notes and checkpoints against the published example, OpenSSL's signatures being those of ``cryptography``."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from hypothesis import given
from hypothesis import strategies as st

from hsm.errors import Malformed
from hsm.merkle import EMPTY_ROOT, leaf_hash
from hsm.note import (
    Checkpoint,
    KeyKind,
    NoteKey,
    NoteRefused,
    cosign,
    parse_checkpoint,
    parse_note,
    parse_vkey,
    sign_checkpoint,
    sign_note,
    verify_checkpoint,
    verify_cosignature,
    verify_note,
)
from tests.hsm.memory import NOW, sign_with

# The example of golang.org/x/mod/sumdb/note, the origin of the format.
NEUMANN = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
NOTE = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
).encode()
ORIGIN = "log.vermilion.example"


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa"])
def test_a_checkpoint_round(kind: str) -> None:
    private = (
        ed25519.Ed25519PrivateKey.generate() if kind == "ed25519" else ec.generate_private_key(ec.SECP256R1())
    )
    key = NoteKey.from_public_key(ORIGIN, private.public_key())
    checkpoint = Checkpoint(ORIGIN, 3, leaf_hash(b"x"))
    note = sign_checkpoint(checkpoint, key, lambda data: sign_with(private, data))
    assert verify_checkpoint(note, parse_vkey(key.vkey())) == checkpoint
    assert note.decode().startswith(f"{ORIGIN}\n3\n")
    with pytest.raises(NoteRefused):
        verify_checkpoint(note.replace(b"\n3\n", b"\n4\n"), key)


def test_the_published_example() -> None:
    key = parse_vkey(NEUMANN)
    assert key.vkey() == NEUMANN
    note = verify_note(NOTE, [key])
    assert note.encode() == NOTE
    with pytest.raises(NoteRefused, match="does not verify"):
        verify_note(NOTE.replace(b"answer", b"Answer"), [key])


def test_a_note_of_somebody_else() -> None:
    key = NoteKey.from_public_key("Enoch", ed25519.Ed25519PrivateKey.generate().public_key())
    with pytest.raises(NoteRefused, match="not signed by Enoch"):
        verify_note(NOTE, [key])


@pytest.mark.parametrize("name", ["", "two words", "a+b", "tab\there", "wide\u3000space"])
def test_names_that_a_key_may_not_have(name: str) -> None:
    with pytest.raises(Malformed):
        NoteKey(name, KeyKind.ED25519, bytes(32))


@pytest.mark.parametrize(
    "line",
    [
        "",
        "x",
        "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "a+00000000+CQ==",
        "a+00000000+",
    ],
)
def test_key_lines_that_are_refused(line: str) -> None:
    with pytest.raises(Malformed):
        parse_vkey(line)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"text\n",
        b"text\n\n",
        b"text\n\n- x AAAAAAAA\n",
        NOTE[:-1],
        NOTE + b"x\n",
        b"\xff" + NOTE,
        b"\t" + NOTE,
    ],
)
def test_notes_that_are_refused(data: bytes) -> None:
    with pytest.raises(Malformed):
        parse_note(data)


@pytest.mark.parametrize("text", ["no newline", "bell\a\n"])
def test_texts_that_cannot_be_signed(text: str) -> None:
    private = ed25519.Ed25519PrivateKey.generate()
    with pytest.raises(Malformed):
        sign_note(text, NoteKey.from_public_key("a", private.public_key()), private.sign)


ROOT = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="


@pytest.mark.parametrize(
    "text",
    [
        "",
        f"{ORIGIN}\n0\n",
        f"{ORIGIN}\n0\n{ROOT}",
        f"{ORIGIN}\n00\n{ROOT}\n",
        f"{ORIGIN}\n+1\n{ROOT}\n",
        f"{ORIGIN}\n１\n{ROOT}\n",
        f"{ORIGIN}\n-1\n{ROOT}\n",
        f"{ORIGIN}\n{2**63}\n{ROOT}\n",
        f"{ORIGIN}\n1\nAAAA\n",
        f"{ORIGIN}\n1\n{ROOT[:-2]}V=\n",
        f"\n1\n{ROOT}\n",
        f"{ORIGIN}\n1\n{ROOT}\n\n",
    ],
)
def test_checkpoints_that_are_refused(text: str) -> None:
    with pytest.raises(Malformed):
        parse_checkpoint(text)


def test_extension_lines_are_kept() -> None:
    checkpoint = Checkpoint(ORIGIN, 0, EMPTY_ROOT, ("one", "two"))
    assert parse_checkpoint(checkpoint.text()) == checkpoint


def test_a_witness_adds_its_cosignature() -> None:
    log, witness = ed25519.Ed25519PrivateKey.generate(), ed25519.Ed25519PrivateKey.generate()
    log_key = NoteKey.from_public_key(ORIGIN, log.public_key())
    key = NoteKey("witness.example", KeyKind.COSIGNATURE, witness.public_key().public_bytes_raw())
    note = sign_checkpoint(Checkpoint(ORIGIN, 1, leaf_hash(b"")), log_key, log.sign)
    both = cosign(note, key, witness.sign, at=NOW)
    assert verify_checkpoint(both, log_key).size == 1
    assert verify_cosignature(both, parse_vkey(key.vkey())) == NOW
    with pytest.raises(NoteRefused):
        verify_cosignature(note, key)
    with pytest.raises(NoteRefused):
        verify_cosignature(both, NoteKey("witness.example", KeyKind.ED25519, key.public))


@given(st.one_of(st.binary(max_size=200), st.text(max_size=200).map(str.encode)))
def test_random_notes_are_only_ever_refused(data: bytes) -> None:
    with pytest.raises((Malformed, NoteRefused)):
        verify_checkpoint(data, parse_vkey(NEUMANN))
