"""The facts of a capture (:mod:`appliance.evidence.captures.facts`), gathered from what the engine gave, from this
machine, and from whoever asked for it."""

from __future__ import annotations

import base64
import hashlib
import platform
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import metadata
from typing import Final

from cryptography import x509

from appliance.evidence.captures import layout
from appliance.evidence.captures.facts import (
    LARGEST,
    MOST,
    MOST_CHAIN,
    MOST_RECORDED,
    BrowserFacts,
    CapturedBy,
    CaptureFacts,
    ClockFacts,
    ConnectionSecurity,
    HostFacts,
    LeafFacts,
    LimitFacts,
    LogInFacts,
    NetworkFacts,
    PageFacts,
    RefusedFacts,
    StepFacts,
    SystemFacts,
    TrafficFacts,
    encode,
    fit,
    milliseconds,
    moment,
)
from appliance.evidence.manifest import listing
from appliance.time_sources import TimeSources
from appliance.web_capture.capturing import Capture
from appliance.web_capture.model import (
    CaptureLimits,
    ManualLogIn,
    RefusedRequest,
    Resolution,
    StepOutcome,
    TlsFacts,
    Traffic,
)
from hsm.operation_types import ClockReport

_MOST_ANSWERS: Final = 40
_DIRECT: Final = NetworkFacts()


@dataclass(frozen=True, slots=True)
class CaptureSurroundings:
    """What the engine does not know: the organisation that runs the machine, the network's settings, and what the
    timestamp authority and chrony say of the clock (None: nothing now). ``zone`` (IANA) is for people."""

    operator: str
    zone: str
    network: NetworkFacts = _DIRECT
    clock: ClockReport | None = None
    sources: TimeSources | None = None


def captured_files(capture: Capture) -> dict[str, bytes]:
    """What the capture gave, by the paths of its package; pictures of steps are numbered without gaps."""
    pictures = [each.picture for each in capture.steps if each.picture]
    return {
        layout.WARC: capture.warc,
        layout.WACZ: capture.wacz,
        layout.PDF: capture.visit.pdf,
        layout.PICTURE: capture.visit.picture,
        layout.TEXT: capture.visit.text.encode(),
        **({layout.SESSION: capture.session} if capture.session else {}),
        **{layout.step_picture(number): picture for number, picture in enumerate(pictures, start=1)},
    }


def facts_of(capture: Capture, *, number: str, by: CapturedBy, surroundings: CaptureSurroundings) -> CaptureFacts:
    """The facts of *capture*, whose *number* has 24 hex digits; run on the machine that made it."""
    visit, traffic = capture.visit, capture.traffic
    facts = CaptureFacts(
        address=capture.address,
        began=moment(capture.began),
        browser=BrowserFacts(
            fit(visit.product), fit(capture.browser_package), capture.browser_sha256, _texts(capture.command)
        ),
        by=CapturedBy(fit(by.name), fit(by.organisation), fit(by.purpose)),
        capture=number,
        clock=_clock(surroundings.clock, surroundings.sources),
        ended=moment(capture.ended),
        files=listing(captured_files(capture)),
        hosts=tuple(_host(each, traffic) for each in list(traffic.resolutions.values())[:MOST]),
        limits=_limits(capture.limits),
        network=replace(surroundings.network, proxy=fit(traffic.proxy)),
        operator=fit(surroundings.operator),
        page=PageFacts(
            address=fit(visit.address),
            title=fit(" ".join(visit.title.split())),
            loaded=visit.loaded,
            height=visit.height,
            cut=_texts(visit.cut),
            error=fit(visit.error),
        ),
        recorded=tuple(map(moment, capture.frames[:MOST_RECORDED])),
        software=f"Vermilion {metadata.version('vermilion')}",
        steps=tuple(_steps(capture.steps)),
        system=_system(),
        tls=tuple(_secured(list(traffic.tls.values())[:MOST])),
        traffic=_traffic(traffic),
        zone=surroundings.zone,
        log_in=_log_in(capture.log_in),
    )
    return _fitting(facts)


def _fitting(facts: CaptureFacts) -> CaptureFacts:
    """*facts* with lists as long as there is room for, since names and DNS answers of strangers could fill more.
    How many there were is told beside them."""
    most = MOST
    while most and len(encode(facts)) > LARGEST:
        most //= 2
        traffic = replace(facts.traffic, refused=facts.traffic.refused[:most], cut=facts.traffic.cut[:most])
        facts = replace(facts, hosts=facts.hosts[:most], tls=facts.tls[:most], traffic=traffic)
    return facts


def _log_in(made: ManualLogIn | None) -> LogInFacts | None:
    if made is None:
        return None
    hosts = _texts(made.hosts)
    return LogInFacts(moment(made.began), moment(made.ended), made.requests, hosts, len(made.hosts))


def _texts(given: Iterable[str]) -> tuple[str, ...]:
    return tuple(map(fit, given))[:MOST]


def _traffic(traffic: Traffic) -> TrafficFacts:
    return TrafficFacts(
        requests=traffic.requests,
        received=traffic.received,
        hosts=len(traffic.resolutions),
        refused=_refused(traffic.refused),
        refused_in_all=traffic.refused_in_all,
        cut=_refused(traffic.cut),
        cut_in_all=traffic.cut_in_all,
    )


def _refused(given: Sequence[RefusedRequest]) -> tuple[RefusedFacts, ...]:
    return tuple(RefusedFacts(fit(each.address), fit(each.why)) for each in given[:MOST])


def _host(found: Resolution, traffic: Traffic) -> HostFacts:
    return HostFacts(
        host=fit(found.host),
        address=found.address,
        answers=_texts(found.answers[:_MOST_ANSWERS]),
        resolver=found.resolver,
        at=moment(found.at),
        connected=_texts(traffic.connected.get(found.host, ())),
    )


def _secured(given: Sequence[TlsFacts]) -> Iterator[ConnectionSecurity]:
    """As many chains as there is room for, in the order in which the hosts were asked first."""
    left = MOST_CHAIN
    for each in given:
        size, sent = sum(map(len, each.chain)), each.chain[:MOST]
        kept = sent if size <= left and len(sent) == len(each.chain) else ()
        left -= size if kept else 0
        yield ConnectionSecurity(
            host=fit(each.host),
            version=fit(each.version),
            cipher=fit(each.cipher),
            trust=each.trust,
            why=fit(each.why),
            certificates=tuple(hashlib.sha256(der).hexdigest() for der in sent),
            leaf=_leaf(each.chain[0]) if each.chain else None,
            chain=tuple(base64.b64encode(der).decode() for der in kept),
        )


def _leaf(der: bytes) -> LeafFacts | None:
    """What a server's certificate says; None for one that cannot be read, as only its fingerprint counts then."""
    try:
        read = x509.load_der_x509_certificate(der)
        return LeafFacts(
            subject=fit(read.subject.rfc4514_string()),
            issuer=fit(read.issuer.rfc4514_string()),
            serial=f"{read.serial_number:x}",
            not_before=moment(read.not_valid_before_utc),
            not_after=moment(read.not_valid_after_utc),
        )
    except (ValueError, TypeError, OverflowError):
        return None


def _system() -> SystemFacts:
    try:
        told: Mapping[str, str] = platform.freedesktop_os_release()
    except OSError:
        told = {}
    version = told.get("DEBIAN_VERSION_FULL") or told.get("VERSION_ID", "")
    return SystemFacts(fit(told.get("NAME", "")), fit(version), platform.release(), platform.machine())


def _clock(report: ClockReport | None, sources: TimeSources | None) -> ClockFacts | None:
    if report is None:
        return None
    return ClockFacts(
        source=report.source,
        state=report.state,
        offset=report.offset,
        error=report.error,
        configured=None if sources is None else sources.configured,
        agreeing=None if sources is None else sources.agreeing,
        authentication=None if sources is None else sources.authentication,
    )


def _limits(limits: CaptureLimits) -> LimitFacts:
    return LimitFacts(
        milliseconds=milliseconds(limits.seconds),
        bytes=limits.bytes,
        response=limits.response,
        requests=limits.requests,
        connections=limits.connections,
        height=limits.height,
        session_milliseconds=milliseconds(limits.session),
    )


def _steps(outcomes: Sequence[StepOutcome]) -> Iterator[StepFacts]:
    pictures = 0
    for each in outcomes:
        pictures += bool(each.picture)
        yield StepFacts(
            kind=each.step.kind,
            target=fit(each.step.target),
            milliseconds=milliseconds(each.step.seconds),
            result=each.result.value,
            note=fit(each.note),
            at=moment(each.at),
            address=fit(each.address),
            picture=layout.step_picture(pictures) if each.picture else "",
        )
