"""Policies are read as C2SP tlog-policy says, and no otherwise."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519

from appliance.errors import ConfigurationError
from appliance.witnesses import parse_policy
from appliance.witnesses.policy import MOST
from hsm.note import KeyKind, NoteKey, cosign, parse_note
from tests.witnesses.logs import new_log

NOW = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)
LOG = new_log()
PRIVATE = [ed25519.Ed25519PrivateKey.generate() for _ in range(6)]
KEYS = [
    NoteKey(f"w{number}.example", KeyKind.COSIGNATURE, each.public_key().public_bytes_raw())
    for number, each in enumerate(PRIVATE)
]
LINES = [
    f"log {LOG.key.vkey()}",
    *(f"witness X{number} {key.vkey()}" for number, key in enumerate(KEYS[:3])),
    "group X-witnesses 2 X0 X1 X2",
    *(f"witness Y{number} {key.vkey()} https://w{number}.example/" for number, key in enumerate(KEYS[3:])),
    "group Y-witnesses any Y0 Y1 Y2",
    "group X-and-Y all X-witnesses Y-witnesses",
    "quorum X-and-Y",
]
"""The example of the specification, with keys."""


def policy_text(*lines: str) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


def cosigned(*numbers: int) -> bytes:
    note = LOG.note(5)
    for number in numbers:
        note = cosign(note, KEYS[number], PRIVATE[number].sign, at=NOW)
    return note


@pytest.mark.parametrize(
    ("numbers", "met"),
    [((0, 1, 3), True), ((0, 2, 4, 5), True), ((0, 1), False), ((0, 3, 4, 5), False), ((), False)],
)
def test_groups_within_groups(numbers: tuple[int, ...], met: bool) -> None:
    found = parse_policy(policy_text(*LINES)).judge(cosigned(*numbers))
    assert (len(found.cosigned), found.witnesses, found.is_met) == (len(numbers), 6, met)


def test_comments_blanks_and_other_bytes() -> None:
    text = b"# \xff\n \t\n" + policy_text(*LINES).replace(b" ", b" \t ") + b"  # the end \n"
    assert parse_policy(text).judge(cosigned(0, 1, 5)).is_met


def test_names_are_octets() -> None:
    kelvin = f"witness K {KEYS[0].vkey()}\nwitness \N{KELVIN SIGN} {KEYS[1].vkey()}\nquorum K\n".encode()
    policy = parse_policy(kelvin)
    assert policy.judge(cosigned(0)).is_met
    assert not policy.judge(cosigned(1)).is_met


def test_no_witnesses_are_needed_where_the_policy_says_so() -> None:
    policy = parse_policy(b"quorum none\n")
    assert not policy.demands_witnesses
    assert policy.judge(cosigned()).is_met


def test_a_changed_cosignature_counts_as_none() -> None:
    policy = parse_policy(policy_text(f"witness X {KEYS[0].vkey()}", "quorum X"))
    good = cosigned(0)
    assert policy.judge(good).is_met
    at = good.rindex(b" ") + 40
    changed = good[:at] + (b"A" if good[at : at + 1] != b"A" else b"B") + good[at + 1 :]
    assert not policy.judge(changed).is_met
    other = LOG.note(6) + good[len(LOG.note(5)) :]
    assert not policy.judge(other).is_met


WITNESS = f"witness X {KEYS[0].vkey()}"


@pytest.mark.parametrize(
    "lines",
    [
        [],
        [WITNESS],
        [WITNESS, "quorum X", "quorum X"],
        [WITNESS, "quorum Y"],
        ["quorum X", WITNESS],
        [WITNESS, f"witness Z {KEYS[0].vkey()}", "quorum X"],
        [WITNESS, f"witness X {KEYS[1].vkey()}", "quorum X"],
        [f"witness none {KEYS[0].vkey()}", "quorum none"],
        [f"log {KEYS[0].vkey()}", WITNESS, "quorum X"],
        [f"witness X {LOG.key.vkey()}", "quorum X"],
        [f"log {LOG.key.vkey()}", f"log {LOG.key.vkey()}", "quorum none"],
        [WITNESS, "group G 0 X", "quorum G"],
        [WITNESS, "group G 2 X", "quorum G"],
        [WITNESS, "group G 01 X", "quorum G"],
        [WITNESS, "group G some X", "quorum G"],
        [WITNESS, "group G all", "quorum X"],
        [WITNESS, "group G all X X", "quorum G"],
        [WITNESS, "group G any X", "group H any X", "quorum G"],
        [WITNESS, "group G any none", "quorum G"],
        [WITNESS, "group G any G", "quorum G"],
        [WITNESS, "quorum X", "threshold 2"],
        [f"{WITNESS} https://one.example https://two.example", "quorum X"],
        [f"{WITNESS}\r", "quorum X"],
        [f"witness X {KEYS[0].name}+00000000+{KEYS[0].vkey().split('+', 2)[2]}", "quorum X"],
    ],
)
def test_what_is_no_policy(lines: list[str]) -> None:
    with pytest.raises(ConfigurationError):
        parse_policy(policy_text(*lines))


def test_32_of_each_are_read() -> None:
    keys = [ed25519.Ed25519PrivateKey.generate().public_key().public_bytes_raw() for _ in range(32)]
    vkeys = [NoteKey("w.example", KeyKind.COSIGNATURE, each).vkey() for each in keys]
    logs = [f"log {NoteKey('l.example', KeyKind.ED25519, each).vkey()}" for each in keys]
    witnesses = [f"witness W{number} {vkey}" for number, vkey in enumerate(vkeys)]
    groups = [f"group G{number} any W{number}" for number in range(32)]
    policy = parse_policy(policy_text(*logs, *witnesses, *groups, "quorum G31"))
    assert (len(policy.logs), len(policy.witnesses), len(policy.groups)) == (32, 32, 32)


@pytest.mark.parametrize(
    "line", [b"group \xff any x\xfe", b"witness \xff w\xff+1+AQ==", b"log \xff+01020304+AQ==", b"quorum \xff"]
)
def test_what_is_said_of_names_that_are_no_text_can_be_printed(line: bytes) -> None:
    with pytest.raises(ConfigurationError) as refused:
        parse_policy(line + b"\nquorum none\n")
    str(refused.value).encode()


def test_a_checkpoint_that_all_of_the_most_witnesses_cosigned_can_be_read() -> None:
    """A note of more than 100 signatures is refused."""
    found = NoteKey("log.example", KeyKind.ED25519, bytes(32))
    line = f"— {found.name} AAAAAAAA\n"
    parse_note(f"log.example\n1\nAA==\n\n{line * (1 + MOST)}".encode())
