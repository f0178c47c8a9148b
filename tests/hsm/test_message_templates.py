"""Messages by the thousand: each is what a full encoding would give, and none is given out unverified."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hsm import cms, der
from hsm.errors import AuthorityError
from hsm.timestamp import TokenIssuer, new_serial, order_for, parse_token, verify_token
from tests.hsm.memory import NOW, MemoryAuthority, MemorySigner, new_key, sign_with

DATA = b"what is dated"


@dataclass(slots=True)
class Turncoat:
    """A signer that signs well until it is told to sign with another key."""

    good: MemorySigner
    other: bool = False
    bad: object = field(default_factory=lambda: new_key("p256"))

    def __getattr__(self, name: str) -> object:
        return getattr(self.good, name)

    def sign(self, data: bytes) -> bytes:
        return sign_with(self.bad if self.other else self.good.key, data)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def authority() -> MemoryAuthority:
    return MemoryAuthority()


def issuer_of(signer: object) -> TokenIssuer:
    return TokenIssuer(signer, policies=["1.2.3.4"], accuracy=timedelta(milliseconds=500))  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["p256", "p384", "rsa"])
def test_every_token_out_of_the_same_moulds_verifies(authority: MemoryAuthority, kind: str) -> None:
    signer = authority.timestamper(kind)
    issuer = issuer_of(signer)
    for turn in range(60):
        nonce = None if turn % 5 == 0 else 3 << turn * 7
        with_bag = turn % 2 == 0
        order = order_for(hashlib.sha256(DATA).digest(), nonce=nonce, certificates=with_bag)
        moment = NOW + timedelta(milliseconds=turn * 5)
        issued = issuer.issue(order, gen_time=moment, serial=new_serial())
        candidate = None if with_bag else signer.certificate
        said = verify_token(issued.token, data=DATA, nonce=nonce, certificate=candidate)
        assert (said.serial, said.gen_time, said.nonce) == (issued.serial, moment, nonce)
        assert said.certificates == parse_token(issued.token).certificates
        assert bool(said.certificates) is with_bag


@pytest.mark.parametrize("certificates", [True, False])
def test_a_signer_that_turns_bad_later_gives_no_token(authority: MemoryAuthority, certificates: bool) -> None:
    signer = Turncoat(authority.timestamper())
    issuer, order = issuer_of(signer), order_for(bytes(32), certificates=certificates)
    for _ in range(20):
        issuer.issue(order, gen_time=NOW, serial=new_serial())
    signer.other = True
    for _ in range(20):
        with pytest.raises(cms.SignatureRefused):
            issuer.issue(order, gen_time=NOW, serial=new_serial())


def test_a_wrong_digest_is_noticed_in_a_used_mould(authority: MemoryAuthority) -> None:
    maker = cms.MessageMaker(authority.timestamper("rsa"), cms.TST_INFO)
    maker.make_message(hashlib.sha256(b"content 1").digest(), content=b"content 1")
    maker.make_message(hashlib.sha256(b"content 2").digest(), content=b"content 2")
    with pytest.raises(AuthorityError):
        maker.make_message(hashlib.sha256(b"content 2").digest(), content=b"content 3")
    with pytest.raises(AuthorityError):
        maker.make_message(hashlib.sha256(b"content 2").digest(), content=b"another length")


def test_detached_messages_of_one_maker(authority: MemoryAuthority) -> None:
    signer = authority.signer()
    maker = cms.MessageMaker(signer, cms.DATA)
    for turn in range(20):
        content = b"page " * turn
        message = cms.parse(maker.make_message(hashlib.sha256(content).digest()))
        assert message.content is None
        assert cms.verify(message, content=content) == signer.certificate


@given(st.integers() | st.integers(min_value=-(1 << 4096), max_value=1 << 4096))
def test_integers_are_der(value: int) -> None:
    assert der.integer(value) == der.encode(value)


@given(st.integers(min_value=0, max_value=7 * 10**15))
def test_times_are_der(microseconds: int) -> None:
    moment = datetime.fromtimestamp(0, UTC) + timedelta(microseconds=microseconds)
    assert der.generalized_time(moment) == der.encode(der.GeneralizedTime(moment))
