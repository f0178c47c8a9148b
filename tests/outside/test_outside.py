"""The authority outside, asked for itself: its token when it is good, one word and no wait when it is not."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from appliance.confinement.pool import Confinement
from appliance.egress import MOST_AT_ONCE, Egress, EgressFailed, ExchangeLimits
from appliance.errors import ConfinementFailed
from appliance.model.intent import OutsideStamp
from appliance.timestamping import OutsideAuthority
from appliance.timestamping.issuing import LARGEST_REPLY, PAUSE
from appliance.verification import TrustAnchors, VerificationReport, Verifier
from hsm.timestamp import verify_token
from tests.outside.hostile import ways
from tests.outside.openssl_authority import OutsideTsa, make_authority, outside_tsa, send

VALUE = b"the value of a signature"


class Hand:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture(scope="module")
def tsa(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OutsideTsa]:
    with outside_tsa(tmp_path_factory.mktemp("outside")) as running:
        yield running


@pytest.fixture(scope="module")
def verifier(confinement: Confinement) -> Verifier:
    return Verifier(confinement, TrustAnchors(()))


def asking(
    tsa: OutsideTsa, verifier: Verifier, *, root: Path | None = None, url: str = "", seconds: float = 60.0
) -> OutsideAuthority:
    return OutsideAuthority(
        url or tsa.url,
        Egress(ExchangeLimits(seconds, LARGEST_REPLY)),
        verify=verifier.verify_timestamp,
        trust=TrustAnchors.from_files([root or tsa.root]),
        patience=seconds,
        monotonic=Hand(),
    )


def test_a_good_token_is_taken(tsa: OutsideTsa, verifier: Verifier) -> None:
    tsa.answering = tsa.answer_well
    found = asking(tsa, verifier).fetch_token(VALUE)
    assert found.stamp is OutsideStamp.DATED
    assert verify_token(found.token, data=VALUE).nonce is not None


@pytest.mark.parametrize("way", ways(OutsideTsa(Path())))
def test_whatever_else_it_does_there_is_a_word_for_it(tsa: OutsideTsa, verifier: Verifier, way: str) -> None:
    tsa.answering, expected = ways(tsa)[way]
    found = asking(tsa, verifier, seconds=2.0 if expected == "late" else 60.0).fetch_token(VALUE)
    assert (found.stamp, found.token) == (expected, b"")


def test_whoever_waits_waits_no_longer_than_the_patience(tsa: OutsideTsa, verifier: Verifier) -> None:
    """Also for what no limit of the way out counts: here the verification, which does not come back."""
    freed = threading.Event()

    def stuck(*_: object, **__: object) -> VerificationReport:
        freed.wait(60)
        raise ConfinementFailed("It took too long.")

    tsa.answering = tsa.answer_well
    authority = OutsideAuthority(
        tsa.url,
        Egress(ExchangeLimits(1.0, LARGEST_REPLY)),
        verify=stuck,
        trust=TrustAnchors.from_files([tsa.root]),
        patience=1.0,
    )
    assert authority.start_fetching(VALUE)().stamp is OutsideStamp.LATE
    assert authority.start_fetching(VALUE)().stamp is OutsideStamp.PAUSED
    freed.set()


def test_a_mistake_of_ours_is_a_word_too(tsa: OutsideTsa) -> None:
    def mistaken(*_: object, **__: object) -> VerificationReport:
        raise LookupError

    tsa.answering = tsa.answer_well
    authority = OutsideAuthority(
        tsa.url,
        Egress(ExchangeLimits(60.0, LARGEST_REPLY)),
        verify=mistaken,
        trust=TrustAnchors.from_files([tsa.root]),
        patience=60.0,
    )
    assert found_quietly(authority) is OutsideStamp.WRONG


def found_quietly(authority: OutsideAuthority) -> OutsideStamp:
    """What came of it; the thread's own trace is not shown."""
    shown, threading.excepthook = threading.excepthook, lambda _: None
    try:
        return authority.start_fetching(VALUE)().stamp
    finally:
        for thread in threading.enumerate():
            if thread.name == "outside timestamp":
                thread.join(60)
        threading.excepthook = shown


def test_many_at_once_are_no_failure_of_the_other_side(tsa: OutsideTsa, verifier: Verifier) -> None:
    authority, freed, come = asking(tsa, verifier), threading.Event(), threading.Semaphore(0)

    def slowly(handler: BaseHTTPRequestHandler, _request: bytes) -> None:
        come.release()
        freed.wait(60)
        send(handler, b"")

    tsa.answering = slowly
    with ThreadPoolExecutor(MOST_AT_ONCE) as pool:
        promises = [pool.submit(authority._egress.post, tsa.url, b"x", {}) for _ in range(MOST_AT_ONCE)]
        for _ in promises:
            assert come.acquire(timeout=60)
        assert authority.fetch_token(VALUE).stamp is OutsideStamp.PAUSED
        freed.set()
        assert all(promise.result() for promise in promises)
    tsa.answering = tsa.answer_well
    assert authority.fetch_token(VALUE).stamp is OutsideStamp.DATED


def test_tls_that_drips_holds_no_place() -> None:
    """A handshake that goes on for ever, one octet after the other: the line is ended from this side."""
    ended = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        egress = Egress(ExchangeLimits(0.5, LARGEST_REPLY))

        def drip() -> None:
            line, _ = listening.accept()
            with line, suppress(OSError):
                line.recv(4096)
                for octet in b"\x16\x03\x03\x40\x00" + bytes(16_384):
                    line.sendall(bytes([octet]))
                    time.sleep(0.05)
            ended.set()

        threading.Thread(target=drip, daemon=True).start()
        with pytest.raises(EgressFailed):
            egress.post(f"https://127.0.0.1:{listening.getsockname()[1]}/", b"x", {})
        assert ended.wait(60)


def test_whoever_notices_first_it_is_late(monkeypatch: pytest.MonkeyPatch) -> None:
    """The socket has the same limit as whoever waits for it, and may be the first to say so."""

    def connect(*_: object) -> socket.socket:
        raise TimeoutError("timed out")

    monkeypatch.setattr("appliance.egress.create_connection", connect)
    with pytest.raises(EgressFailed) as failed:
        Egress(ExchangeLimits(60.0, 1000)).post("http://127.0.0.1:9/", b"", {})
    assert failed.value.cause == "late"


def test_nobody_listens(tsa: OutsideTsa, verifier: Verifier) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}/"
        assert asking(tsa, verifier, url=url).fetch_token(VALUE).stamp is OutsideStamp.UNREACHABLE


def test_a_name_that_leads_nowhere(tsa: OutsideTsa, verifier: Verifier) -> None:
    url = "http://tsa.invalid/"
    assert asking(tsa, verifier, url=url).fetch_token(VALUE).stamp in (OutsideStamp.UNREACHABLE, OutsideStamp.LATE)


def test_a_token_that_leads_to_somebody_else_is_not_taken(
    tsa: OutsideTsa, verifier: Verifier, tmp_path: Path
) -> None:
    make_authority(tmp_path / "other")
    tsa.answering = tsa.answer_well
    found = asking(tsa, verifier, root=tmp_path / "other/root.pem").fetch_token(VALUE)
    assert found.stamp is OutsideStamp.WRONG


def test_after_a_failure_it_is_left_alone_for_a_while(tsa: OutsideTsa, verifier: Verifier) -> None:
    authority = asking(tsa, verifier)
    hand = authority._monotonic
    assert isinstance(hand, Hand)
    tsa.answering = ways(tsa)["fails"][0]
    assert authority.fetch_token(VALUE).stamp is OutsideStamp.REFUSED
    tsa.answering, asked = tsa.answer_well, tsa.asked
    assert authority.fetch_token(VALUE).stamp is OutsideStamp.PAUSED
    assert tsa.asked == asked
    hand.seconds += PAUSE
    assert authority.fetch_token(VALUE).stamp is OutsideStamp.DATED
