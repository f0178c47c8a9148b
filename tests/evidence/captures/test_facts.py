"""``capture.json`` has one byte form, says what the engine found, and takes nothing that is out of bounds."""

from __future__ import annotations

import base64
import hashlib
import json
import platform
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from appliance.evidence.captures import facts as facts_module
from appliance.evidence.captures.facts import MOST, CaptureFacts, decode, encode, fit
from appliance.evidence.captures.gathering import captured_files, facts_of
from appliance.evidence.captures.layout import is_captured
from appliance.evidence.model import PackageRefused
from appliance.web_capture.capturing import Capture
from appliance.web_capture.model import (
    CaptureStep,
    ManualLogIn,
    RefusedRequest,
    StepKind,
    StepOutcome,
    StepResult,
    TlsFacts,
    TlsTrust,
    Traffic,
)
from hsm import canonical
from tests.evidence.captures.conftest import BY, HOST, NUMBER, SURROUNDINGS


def test_what_was_found_comes_back(facts: CaptureFacts, captured: Capture) -> None:
    data = encode(facts)
    assert decode(data) == facts
    assert canonical.decode(data)["format"] == "vermilion-capture/1"
    assert facts.page.title == "夏季新款 – عرض الصيف 🛍️ <b>"
    assert facts.page.loaded
    assert facts.traffic.requests == captured.traffic.requests >= 2
    assert ["elsewhere.example" in each.address for each in facts.traffic.refused] == [True]
    assert facts.traffic.refused_in_all == 1
    [host] = facts.hosts
    assert (host.host, host.address, host.resolver) == (HOST, "127.0.0.1", "192.0.2.53")
    port = captured.address.split(":")[2].partition("/")[0]
    assert host.connected == (f"127.0.0.1:{port}",)
    [tls] = facts.tls
    assert (tls.host, tls.trust, tls.why) == (HOST, TlsTrust.TRUSTED, "")
    assert [hashlib.sha256(base64.b64decode(each)).hexdigest() for each in tls.chain] == list(tls.certificates)
    assert tls.leaf is not None
    assert HOST in tls.leaf.subject
    assert facts.system.kernel == platform.release()
    assert "--headless" in facts.browser.command
    assert facts.clock is not None
    assert (facts.clock.configured, facts.clock.agreeing, facts.clock.authentication) == (2, 2, "nts")
    listed = {each.path: each.sha256 for each in facts.files}
    for path, octets in captured_files(captured).items():
        assert listed[path] == hashlib.sha256(octets).hexdigest()


def test_steps_and_what_was_recorded_of_them_are_told(captured: Capture) -> None:
    """Pictures are numbered without gaps, whatever step had none."""
    at = captured.began
    outcomes = (
        StepOutcome(CaptureStep(StepKind.RECORD), StepResult.DONE, "", at, captured.address, b"first"),
        StepOutcome(CaptureStep(StepKind.CLICK, "#no"), StepResult.NOT_FOUND, "", at, captured.address),
        StepOutcome(CaptureStep(StepKind.WAIT, "", 1.5), StepResult.DONE, "dialog", at, captured.address, b"last"),
    )
    session = replace(captured, steps=outcomes, session=b"webp", frames=(at, captured.ended))
    found = facts_of(session, number=NUMBER, by=BY, surroundings=SURROUNDINGS)
    assert decode(encode(found)) == found
    assert [each.picture for each in found.steps] == ["step-01.png", "", "step-02.png"]
    assert [each.milliseconds for each in found.steps] == [0, 0, 1500]
    assert len(found.recorded) == 2
    assert captured_files(session)["step-02.png"] == b"last"
    assert {each.path: each.size for each in found.files}["session.webp"] == 4


LOG_IN = {"began": "", "ended": "", "exchanges": 7, "hosts": ["a.example"], "hosts_in_all": 2}


def with_log_in(**changes: object) -> Callable[[dict[str, Any]], object]:
    """What changes facts into those of a capture before which somebody logged in."""
    return lambda value: value.update(
        log_in={**LOG_IN, "began": value["began"], "ended": value["began"], **changes}
    )


def test_a_log_in_is_told_where_there_was_one(captured: Capture, facts: CaptureFacts) -> None:
    before = captured.began - timedelta(seconds=30), captured.began - timedelta(seconds=1)
    hosts = tuple(f"h{number}.example" for number in range(MOST + 1))
    found = facts_of(
        replace(captured, log_in=ManualLogIn(*before, 7, hosts)), number=NUMBER, by=BY, surroundings=SURROUNDINGS
    )
    assert decode(encode(found)) == found
    assert found.log_in is not None
    assert (found.log_in.exchanges, len(found.log_in.hosts), found.log_in.hosts_in_all) == (7, MOST, MOST + 1)
    assert decode(changed(facts, with_log_in())).log_in is not None
    assert b"log_in" not in encode(facts)


def changed(facts: CaptureFacts, change: Callable[[dict[str, Any]], object]) -> bytes:
    value = canonical.decode(encode(facts))
    change(value)
    return canonical.encode(value)


CHANGES: dict[str, Callable[[dict[str, Any]], object]] = {
    "a key too many": lambda value: value.update(more=1),
    "a key too few": lambda value: value.pop("clock"),
    "another format": lambda value: value.update(format="vermilion-capture/2"),
    "a number of another form": lambda value: value.update(capture=value["capture"].upper() + "A"),
    "a text for a number": lambda value: value["traffic"].update(requests="1"),
    "true for a number": lambda value: value["traffic"].update(requests=True),
    "a number below zero": lambda value: value["traffic"].update(requests=-1),
    "a number beyond all measure": lambda value: value["traffic"].update(received=2**53),
    "an end before the beginning": lambda value: value.update(ended="2020-01-01T00:00:00+00:00"),
    "a time of another zone": lambda value: value.update(ended=value["ended"].replace("+00:00", "+08:00")),
    "a time without zone": lambda value: value.update(ended=value["ended"][:19]),
    "a time of another form": lambda value: value.update(ended="2030-01-01T00:00:00Z"),
    "microseconds": lambda value: value.update(ended="2030-01-01T00:00:00.000001+00:00"),
    "a control character": lambda value: value["page"].update(title="a\x1b[2J"),
    "an end of line": lambda value: value["page"].update(title="a\nb"),
    "a text turned around": lambda value: value["page"].update(title="a\u202eb"),
    "a text too long": lambda value: value["page"].update(title="a" * 2001),
    "no address": lambda value: value.update(address=""),
    "a list too long": lambda value: value["browser"].update(command=["a"] * (MOST + 1)),
    "a digest of another form": lambda value: value["browser"].update(sha256="0" * 63),
    "a file too few": lambda value: value["files"].pop(),
    "files in another order": lambda value: value["files"].reverse(),
    "another certificate than its digest": lambda value: value["tls"][0].update(chain=["AAAA"]),
    "no base64": lambda value: value["tls"][0].update(chain=["*"]),
    "a log-in that is none": lambda value: value.update(log_in=None),
    "a log-in after the beginning": lambda value: with_log_in(ended=value["ended"])(value),
    "a log-in that ends before it begins": with_log_in(ended="2020-01-01T00:00:00+00:00"),
    "a log-in with fewer hosts than it names": with_log_in(hosts_in_all=0),
    "a log-in with more to tell": with_log_in(password="x"),
    "another word": lambda value: value["tls"][0].update(trust="certainly"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_other_forms_are_refused(facts: CaptureFacts, name: str) -> None:
    with pytest.raises(PackageRefused, match="not in their one form"):
        decode(changed(facts, CHANGES[name]))


def test_other_bytes_for_the_same_values_are_refused(facts: CaptureFacts) -> None:
    value = json.loads(encode(facts))
    for data in (json.dumps(value).encode(), encode(facts) + b"\n", b"", b"[" * 100_000, b"\xff"):
        with pytest.raises(PackageRefused, match="not in their one form"):
            decode(data)


def test_what_a_page_makes_endless_is_cut_and_counted(captured: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    many = [RefusedRequest(f"https://h{number}.example/" + "a" * 5000, "limit") for number in range(900)]
    chains = {
        name: TlsFacts(name, "TLSv1.3", "A", TlsTrust.UNTRUSTED, "why", (b"x" * 200_000,)) for name in ("a", "b")
    }
    traffic = replace(captured.traffic, refused=many, cut=many, tls=chains, refused_in_all=900, cut_in_all=901)
    visit = replace(captured.visit, title="\ud800\x00\u202e" + "字" * 5000, error="x" * 3000)
    odd = replace(captured, traffic=traffic, visit=visit, command=("a",) * 500)
    found = facts_of(odd, number=NUMBER, by=replace(BY, purpose="p\r\n" * 2000), surroundings=SURROUNDINGS)
    assert decode(encode(found)) == found
    assert len(encode(found)) < facts_module.LARGEST
    assert len(found.traffic.refused) == MOST
    assert (found.traffic.refused_in_all, found.traffic.cut_in_all) == (900, 901)
    assert found.page.title.startswith("\N{REPLACEMENT CHARACTER}" * 3)
    assert found.page.title.endswith("字…")
    first, second = found.tls
    assert first.leaf is None
    assert first.chain
    assert not second.chain
    assert second.certificates == first.certificates


def test_a_capture_that_reached_nothing_has_facts_too(captured: Capture) -> None:
    alone = replace(captured, traffic=Traffic(), ended=captured.began + timedelta(microseconds=1))
    surroundings = replace(SURROUNDINGS, clock=None, sources=None)
    found = facts_of(alone, number=NUMBER, by=BY, surroundings=surroundings)
    assert decode(encode(found)) == found
    assert found.clock is None
    assert not found.hosts


def test_fitting_leaves_fitting_texts_alone() -> None:
    assert fit("a" * 2000) == "a" * 2000
    assert len(fit("a" * 2001)) == 2000


def test_a_recorded_session_adds_files_without_gaps() -> None:
    plain = ["capture.wacz", "capture.warc.gz", "page.pdf", "page.png", "page.txt"]
    assert is_captured(plain)
    assert is_captured([*plain, "session.webp", "step-01.png", "step-02.png"])
    assert is_captured([*plain, "step-01.png"])
    for wrong in (
        [*plain, "session.webp", "step-02.png"],
        [*plain, "step-01.png", "session.webp"],
        [*plain, "step-01.png", "step-01.png"],
        [*plain, "more.txt"],
        [*plain, *(f"step-{number:02}.png" for number in range(1, 22))],
        plain[:4],
    ):
        assert not is_captured(wrong), wrong


def test_names_and_answers_of_strangers_never_make_it_too_large(captured: Capture) -> None:
    """A zone can answer with names of a thousand characters, and have hosts without end."""
    [known] = captured.traffic.resolutions.values()
    hosts = {
        f"h{number}": replace(known, host=f"h{number}", answers=("\\000" * 400,) * 40) for number in range(300)
    }
    many = [RefusedRequest("\ufffd" * 3000, "limit")] * 200
    traffic = replace(captured.traffic, resolutions={known.host: known, **hosts}, refused=many, refused_in_all=200)
    found = facts_of(replace(captured, traffic=traffic), number=NUMBER, by=BY, surroundings=SURROUNDINGS)
    assert decode(encode(found)) == found
    assert found.hosts[0].host == known.host
    assert (found.traffic.hosts, found.traffic.refused_in_all) == (301, 200)
