"""Sentences keep their numbers apart, across the socket too, so that both languages can show them."""

from __future__ import annotations

from appliance.language import Language, translator
from hsm.codec import decode_answer, encode
from hsm.errors import ModuleUnavailable, Sentence
from hsm.operation_types import AuthorityState, AuthorityStatus, ClockReport


def test_the_clocks_number_reaches_a_chinese_reader() -> None:
    values = {"seconds": "0.012", "offset": "+0.250"}
    said = Sentence("Synchronised by NTP; measured offset {offset} ms, at most {seconds} s from UTC.", values)
    status = AuthorityStatus(
        state=AuthorityState.OPERATIONAL,
        sentence=Sentence("Ready to sign."),
        version="test",
        clock=ClockReport("kernel", True, said),
        keys=(),
        origin="log.example",
        policies=(),
        hashes=(),
        checkpoint=None,
    )
    received = decode_answer(AuthorityStatus, encode(status))
    assert received == status
    english = "Synchronised by NTP; measured offset +0.250 ms, at most 0.012 s from UTC."
    assert str(received.clock.sentence) == english
    translated = received.clock.sentence.translated(translator(Language.CHINESE))
    assert translated == "已由 NTP 同步，实测偏差 +0.250 毫秒，与 UTC 相差不超过 0.012 秒。"


def test_what_an_error_says_keeps_its_values() -> None:
    error = ModuleUnavailable("The PKCS#11 module {module} does not answer ({why}).", module="m.so", why="{gone}")
    assert str(Sentence.from_error(error)) == str(error) == "The PKCS#11 module m.so does not answer ({gone})."
