"""The certificate of a web capture (网页取证证书), for people: A4 pages in Chinese and in English.

All that it says is in the package as files; it is for reading, and no judge takes anything from it.
"""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Final

from appliance.evidence.captures import layout
from appliance.evidence.captures.facts import (
    CaptureFacts,
    ClockFacts,
    ConnectionSecurity,
    HostFacts,
    LogInFacts,
    RefusedFacts,
)
from appliance.evidence.captures.model import CaptureEvidence
from appliance.evidence.captures.words import NOTES, RESULTS, STEPS, WHY, meaning, page_security, trust_of
from appliance.evidence.log_files import read_log_files
from appliance.evidence.readme import readme_path
from appliance.language import Language, Translator, instants, translator
from appliance.language.characters import with_organisation
from appliance.language.sizes import ByteSize
from appliance.time_sources import TimeSources
from appliance.typesetting.typesetter import page_template, typeset_identified
from appliance.verification.trust import shown_name
from appliance.web_capture.model import TlsTrust
from hsm.errors import Sentence
from hsm.timestamp import parse_response, parse_token

_MOST_HOSTS: Final = 25
"""Hosts in the table; ``capture.json`` has more of them."""
_FEW: Final = 5
"""Hosts in a sentence."""
_CELL: Final = 240
"""Characters in a cell of a table with many rows, so that setting it takes seconds, whatever it says."""
_LONG: Final = 500
"""Characters of addresses, title and purpose together, beyond which they need the whole width."""
_GROUP: Final = 8
"""Characters of a digest that stand together."""


def render_certificates(evidence: CaptureEvidence) -> dict[Language, bytes]:
    """The PDFs. The same values give the same bytes, as :func:`appliance.evidence.readme.render_histories`. Raises
    as :func:`appliance.typesetting.typesetter.typeset`."""
    template = page_template("appliance.evidence", "templates/capture-certificate.html")
    pages = [template.render(_values(evidence, each)) for each in Language]
    return dict(zip(Language, typeset_identified(pages, images=True), strict=True))


def _values(evidence: CaptureEvidence, language: Language) -> dict[str, Any]:
    say, facts = translator(language), evidence.facts
    return {
        "language": language.tag,
        "_": say,
        "facts": facts,
        "who": with_organisation(facts.by.name, facts.by.organisation),
        "long": len(facts.address + facts.page.address + facts.page.title + facts.by.purpose) > _LONG,
        "began": instants.exact(facts.began, facts.zone),
        "ended": instants.exact(facts.ended, facts.zone),
        "log_in": None if facts.log_in is None else _log_in(facts.log_in, facts.zone),
        "created": instants.exact(evidence.created, facts.zone),
        "created_iso": evidence.created.isoformat(timespec="seconds"),
        "audience": evidence.audience,
        "thumbnail": base64.b64encode(evidence.thumbnail).decode(),
        "received": f"{facts.traffic.received:,}",
        "refused": _counted(facts.traffic.refused, facts.traffic.refused_in_all, say),
        "cut": _counted(facts.traffic.cut, facts.traffic.cut_in_all, say),
        "hosts": [_host(each, facts, say) for each in facts.hosts[:_MOST_HOSTS]],
        "more_hosts": max(0, facts.traffic.hosts - _MOST_HOSTS),
        "certificates": [_certificate(each, facts) for each in page_security(facts)],
        "browser_digest": _grouped(facts.browser.sha256),
        "limits": _limits(facts, say),
        "steps": list(_steps(facts, say)),
        "clock": [each.translated(say) for each in _clock(facts.clock)],
        "stamp": _stamp(evidence),
        "log": _log(evidence),
        "files": [(each.path, f"{each.size:,}", _grouped(each.sha256)) for each in facts.files],
        "warc": layout.WARC,
        "readme": readme_path(language),
    }


def _grouped(digest: str) -> list[str]:
    return [digest[start : start + _GROUP] for start in range(0, len(digest), _GROUP)]


def _short(text: str) -> str:
    """*text* as far as a cell of a table has room; ``capture.json`` has all of it."""
    return text if len(text) <= _CELL else f"{text[: _CELL - 1]}…"


def _counted(told: Sequence[RefusedFacts], in_all: int, say: Translator) -> str:
    """How many there were and why; of what was too many to be told, the number alone."""
    if not in_all:
        return ""
    found = Counter(each.why for each in told)
    reasons = [
        say("{reason}: {count}", reason=meaning(WHY, why, say), count=number)
        for why, number in found.most_common()
    ]
    if in_all > len(told):
        reasons.append(say("not told one by one: {count}", count=in_all - len(told)))
    return say("{count} ({reasons})", count=in_all, reasons="; ".join(reasons))


def _host(host: HostFacts, facts: CaptureFacts, say: Translator) -> dict[str, Any]:
    tls = next((each for each in facts.tls if each.host == host.host), None)
    return {
        "host": host.host,
        "connected": host.connected,
        "resolver": host.resolver,
        "at": instants.bare(host.at, facts.zone, seconds=True),
        "answers": len(host.answers),
        "by_proxy": not host.address,
        "tls": "" if tls is None else f"{tls.version} {tls.cipher}".strip(),
        "trust": "" if tls is None else _short(trust_of(tls).translated(say)),
        "bad": tls is not None and tls.trust is not TlsTrust.TRUSTED,
    }


def _log_in(made: LogInFacts, zone: str) -> dict[str, Any]:
    hosts = ", ".join(made.hosts[:_FEW])
    more = made.hosts_in_all - len(made.hosts[:_FEW])
    return {
        "began": instants.exact(made.began, zone),
        "ended": instants.exact(made.ended, zone),
        "exchanges": f"{made.exchanges:,}",
        "hosts": _short(hosts) + (f" (+{more})" if more else ""),
    }


def _certificate(tls: ConnectionSecurity, facts: CaptureFacts) -> dict[str, Any]:
    leaf = tls.leaf
    return {
        "host": tls.host,
        "digest": _grouped(tls.certificates[0]) if tls.certificates else [],
        "leaf": leaf,
        "from": "" if leaf is None else instants.second(leaf.not_before, facts.zone),
        "until": "" if leaf is None else instants.second(leaf.not_after, facts.zone),
    }


def _limits(facts: CaptureFacts, say: Translator) -> str:
    limits = facts.limits
    return say(
        "{seconds} s; {bytes} in all, {response} for one response; {requests} requests; {height} pixels of height",
        seconds=f"{limits.milliseconds / 1000:g}",
        bytes=ByteSize(limits.bytes),
        response=ByteSize(limits.response),
        requests=f"{limits.requests:,}",
        height=f"{limits.height:,}",
    )


def _steps(facts: CaptureFacts, say: Translator) -> Iterator[dict[str, Any]]:
    for number, step in enumerate(facts.steps, start=1):
        yield {
            "number": number,
            "kind": meaning(STEPS, step.kind.value, say),
            "target": _short(step.target),
            "seconds": f"{step.milliseconds / 1000:g} s" if step.milliseconds else "",
            "result": meaning(RESULTS, step.result, say),
            "note": _short(", ".join(meaning(NOTES, word, say) for word in step.note.split())),
            "at": instants.bare(step.at, facts.zone, seconds=True),
            "picture": step.picture,
        }


def _clock(clock: ClockFacts | None) -> list[Sentence]:
    """What was known of the clock, in the sentences that the clock's own page has."""
    if clock is None:
        return [Sentence("The timestamp authority did not say how its clock is held.")]
    if clock.source == "declared":
        return [Sentence("Clock set manually; not verified.")]
    told = []
    if clock.offset is not None and clock.error is not None:
        measured = {"offset": f"{clock.offset / 1000:+.3f}", "seconds": f"{clock.error / 1e6:.3f}"}
        told.append(
            Sentence("Synchronised by NTP; measured offset {offset} ms, at most {seconds} s from UTC.", measured)
        )
    if clock.configured is not None and clock.agreeing is not None and clock.authentication is not None:
        told.append(TimeSources(clock.configured, clock.agreeing, clock.authentication).sentence)
    return told or [Sentence("The timestamp authority did not say how its clock is held.")]


def _stamp(evidence: CaptureEvidence) -> dict[str, str]:
    info = parse_token(parse_response(evidence.exchange.reply))
    return {
        "at": instants.exact(info.gen_time, evidence.facts.zone),
        "serial": f"{info.serial:x}",
        "by": shown_name(info.signer or evidence.certificates.timestamping),
    }


def _log(evidence: CaptureEvidence) -> dict[str, Any]:
    state = read_log_files(evidence.log.checkpoint, evidence.log.vkey).state
    return {"origin": state.origin, "size": f"{state.size:,}", "entry": evidence.log.entries[-1].index}
