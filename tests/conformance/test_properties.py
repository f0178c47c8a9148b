"""Properties, searched for counter-examples: whatever is sent, the endpoint and the second opinion agree."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hsm import der
from tests.conformance import oracle
from tests.conformance.endpoint import RunningTsa
from tests.conformance.reading import Refusal, read
from tests.conformance.requests import (
    MD5,
    PLAIN,
    POLICY,
    SHA1,
    SHA256,
    SHA384,
    SHA512,
    SM3,
    TRUE,
    UNKNOWN,
    algorithm,
    extension,
    extensions,
    long_oid,
    octets,
    sequence,
)

# The endpoint is one for the whole run, and every request stands for itself.
shared = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], database=None
)

OIDS = st.sampled_from([der.oid(each) for each in (SHA256, SHA384, SHA512, SM3, SHA1, MD5)] + [long_oid()])
ODD = st.sampled_from(
    [der.NULL, b"\x05\x01\x00", sequence(), TRUE, b"\x01\x01\x00", b"\x02\x01\x07", octets(b"x"), b"\0"]
)
INTEGERS = st.integers(-(2**200), 2**200).map(der.integer)
POLICIES = st.sampled_from([der.oid(POLICY), der.oid("1.2.3"), long_oid(), b"\x06\x00", b"\x06\x02\x2a\x80"])
EXTENSIONS = st.sampled_from(
    [
        extensions(),
        extensions(UNKNOWN),
        extensions(UNKNOWN, UNKNOWN),
        extensions(extension(long_oid(), critical=TRUE)),
        extensions(der.NULL),
        b"\x80\x00",
    ]
)


@st.composite
def imprints(draw: st.DrawFn) -> bytes:
    """Mostly right ones."""
    parameters = draw(st.one_of(st.just(b""), st.just(der.NULL), ODD))
    name = draw(st.one_of(st.just(der.oid(SHA256)), OIDS))
    length = draw(st.one_of(st.just(32), st.sampled_from([0, 16, 20, 31, 33, 48, 64])))
    return sequence(sequence(name, parameters), octets(draw(st.binary(min_size=length, max_size=length))))


@st.composite
def requests(draw: st.DrawFn) -> bytes:
    """Each member right, wrong or missing; sometimes two in the wrong order."""
    members = [
        draw(st.one_of(st.just(der.integer(1)), INTEGERS)),
        draw(imprints()),
        draw(st.one_of(st.just(b""), POLICIES)),
        draw(st.one_of(st.just(b""), INTEGERS, ODD)),
        draw(st.sampled_from([b"", TRUE, TRUE, b"\x01\x01\x00", b"\x01\x01\x01"])),
        draw(st.one_of(st.just(b""), st.just(b""), EXTENSIONS)),
    ]
    first, second = draw(st.tuples(st.integers(0, 5), st.integers(0, 5)) | st.just((0, 0)))
    members[first], members[second] = members[second], members[first]
    return sequence(*members) + draw(st.sampled_from([b"", b"", b"", b"\0"]))


def require_agreement(tsa: RunningTsa, request: bytes) -> None:
    """The failInfo is one that the second opinion found; a token answers what was asked, and is in the log."""
    verdict = oracle.judge(request)
    answer = read(reply := tsa.ask(request))
    if isinstance(answer, Refusal):
        assert answer.fail_info in verdict.faults, (request.hex(), answer, verdict)
        return
    assert not verdict.faults, (request.hex(), verdict)
    tsa.require_recorded(reply)
    assert answer.tst_info["message_imprint"].dump() == verdict.imprint
    nonce = answer.tst_info["nonce"]
    assert (nonce.dump() if nonce.native is not None else None) == verdict.nonce
    assert bool(answer.certificates) is verdict.certificates


@shared
@given(request=requests())
def test_members_right_wrong_or_missing(tsa: RunningTsa, request: bytes) -> None:
    require_agreement(tsa, request)


@shared
@given(request=st.binary(max_size=200))
def test_any_bytes(tsa: RunningTsa, request: bytes) -> None:
    require_agreement(tsa, request)


@shared
@given(place=st.integers(0, len(PLAIN) - 1), flip=st.integers(1, 255), inserted=st.binary(max_size=3))
def test_a_good_request_changed_anywhere(tsa: RunningTsa, place: int, flip: int, inserted: bytes) -> None:
    changed = bytearray(PLAIN)
    changed[place] ^= flip
    changed[place:place] = inserted
    require_agreement(tsa, bytes(changed))


@pytest.mark.long
@shared
@given(digest=st.binary(min_size=48, max_size=48), nonce=st.integers(-(2**300), 2**300))
def test_every_good_request_is_granted(tsa: RunningTsa, digest: bytes, nonce: int) -> None:
    about = sequence(algorithm(SHA384, der.NULL), octets(digest))
    request = sequence(der.integer(1), about, der.oid(POLICY), der.integer(nonce), TRUE)
    assert not oracle.judge(request).faults
    require_agreement(tsa, request)
