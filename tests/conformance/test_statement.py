"""What a token says (TSTInfo; RFC 3161, 2.4.2; EN 319 422, 5.2), read by other people's code."""

from __future__ import annotations

import re
import secrets
from datetime import UTC, datetime, timedelta

import pytest

from hsm import der
from tests.conformance.endpoint import RunningTsa
from tests.conformance.oracle import elements, only
from tests.conformance.reading import granted
from tests.conformance.requests import PLAIN, SHA256, SHA384, SHA512, TRUE, algorithm, octets, request, sequence

LENGTHS = {SHA256: 32, SHA384: 48, SHA512: 64}
NONCES = [0, 1, -1, 127, 128, -128, -129, -(2**64), 2**64, 2**159, 2**4096 + 1, -(2**32768), 2**32768]


def test_version_is_1(tsa: RunningTsa) -> None:
    assert granted(tsa.ask(PLAIN)).tst_info["version"].native == "v1"


def test_the_policy_is_the_default_when_none_is_asked_for(tsa: RunningTsa) -> None:
    assert granted(tsa.ask(PLAIN)).tst_info["policy"].native == "1.3.6.1.4.1.32473.1.1"


@pytest.mark.parametrize("dotted", LENGTHS)
@pytest.mark.parametrize("parameters", [(), (der.NULL,)], ids=["absent", "NULL"])
def test_the_imprint_is_echoed_byte_for_byte(tsa: RunningTsa, dotted: str, parameters: tuple[bytes, ...]) -> None:
    about = sequence(algorithm(dotted, *parameters), octets(secrets.token_bytes(LENGTHS[dotted])))
    assert granted(tsa.ask(request(about=about))).tst_info["message_imprint"].dump() == about


def test_serials_have_at_most_160_bits_and_are_positive(tsa: RunningTsa) -> None:
    for _ in range(50):
        serial = granted(tsa.ask(PLAIN)).tst_info["serial_number"]
        assert 0 < serial.native < 1 << 160
        assert len(serial.contents) <= 20  # octets, the sign's bit included (RFC 3161, 2.4.2)


def test_the_time_is_utc_with_z_and_as_fine_as_the_accuracy(tsa: RunningTsa) -> None:
    """A fraction of a second, since the accuracy is below one, and without trailing zeros (X.690, 11.7)."""
    fractions = 0
    for _ in range(50):
        before = datetime.now(UTC)
        written = granted(tsa.ask(PLAIN)).tst_info["gen_time"].contents.decode()
        assert re.fullmatch(r"\d{14}(\.\d{0,2}[1-9])?Z", written)
        fractions += "." in written
        whole, _, fraction = written.removesuffix("Z").partition(".")
        time = datetime.strptime(whole + "+0000", "%Y%m%d%H%M%S%z") + timedelta(
            milliseconds=int(fraction.ljust(3, "0"))
        )
        assert before - timedelta(milliseconds=501) <= time <= datetime.now(UTC) + timedelta(milliseconds=501)
    assert fractions > 40


def test_the_accuracy_is_there_and_at_most_a_second(tsa: RunningTsa) -> None:
    accuracy = granted(tsa.ask(PLAIN)).tst_info["accuracy"].native
    assert (
        timedelta(0)
        < timedelta(
            seconds=accuracy["seconds"] or 0,
            milliseconds=accuracy["millis"] or 0,
            microseconds=accuracy["micros"] or 0,
        )
        <= timedelta(seconds=1)
    )


def test_ordering_is_false_and_so_not_encoded(tsa: RunningTsa) -> None:
    token = granted(tsa.ask(PLAIN))
    assert token.tst_info["ordering"].native is False
    assert 0x01 not in [each.tag for each in elements(only(token.content, 0x30).body)]


@pytest.mark.parametrize("nonce", NONCES, ids=[f"{nonce.bit_length()} bits {nonce < 0}" for nonce in NONCES])
def test_a_nonce_comes_back_exactly(tsa: RunningTsa, nonce: int) -> None:
    sent = der.integer(nonce)
    assert granted(tsa.ask(request(sent, TRUE))).tst_info["nonce"].dump() == sent


def test_no_nonce_comes_back_when_none_was_sent(tsa: RunningTsa) -> None:
    assert granted(tsa.ask(PLAIN)).tst_info["nonce"].native is None


def test_tsa_is_the_certificates_subject(tsa: RunningTsa) -> None:
    token = granted(tsa.ask(PLAIN))
    directory_name = only(only(token.tst_info["tsa"].dump(), 0xA0).body, 0xA4)
    (signer,) = [each for each in token.certificates if each.subject.public_bytes() == directory_name.body]
    token.require_signature_of(signer)


def test_there_is_no_extension(tsa: RunningTsa) -> None:
    assert granted(tsa.ask(PLAIN)).tst_info["extensions"].native is None


def test_time_never_goes_back(tsa: RunningTsa) -> None:
    times = [granted(tsa.ask(PLAIN)).tst_info["gen_time"].native for _ in range(50)]
    assert times == sorted(times)
