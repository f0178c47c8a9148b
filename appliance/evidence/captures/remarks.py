"""Remarks beside the verdict on the package of a web capture: what it proves, what is the word of the house alone
that ran the machine, and where the capture is not whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from appliance.evidence.captures import layout
from appliance.evidence.captures.facts import CaptureFacts
from appliance.verification import Indication, SignatureReport, SubIndication, Verdict
from appliance.verification.model import PASSED
from appliance.verification.tokens import shown_time
from appliance.web_capture.model import TlsTrust
from hsm.errors import Sentence

_CAPTURED: Final = "Web capture of {address}."
_PROVEN: Final = (
    "What the package proves: by {moment} exactly these bytes had been recorded, and nothing was changed since."
    " The recording, the picture, the PDF, the text and the facts of the capture are those that the log names."
)
_WORD: Final = (
    "What it does not prove: that the server sent these bytes. For that there is only the word of {operator}, who"
    " ran the machine; TLS does not prove to others what a server sent. The same holds for the purpose, for who"
    " asked for the capture, and for everything else in {facts}. Other visitors may have been shown another page."
)
_UNDECIDED: Final = Sentence("The verdict is undecided, so it proves nothing of what the package tells.")
_LOGGED_IN: Final = (
    "Before the recording began, {who} logged in by hand. What passed meanwhile is not in the recording (requests:"
    " {exchanges}; hosts: {hosts}). The page is the one that this account is shown, and what was done before may"
    " have changed it. The recording holds the cookies of the session: they open it for whoever has the package"
    " until somebody logs out."
)
_FAILED: Final = "The page itself could not be opened ({error}): the picture shows the browser's notice."
_UNLOADED: Final = Sentence("The page had not finished loading when it was captured.")
_CUT: Final = "The page was longer, or took longer, than a capture may; cut off by the limit of: {limits}."
_MISSING: Final = (
    "Not everything that the page asked for is in the capture. Requests refused: {refused}; responses cut off:"
    " {cut}. {facts} says which, and why."
)
_UNTRUSTED: Final = "The certificates of these servers were not trusted when the page was captured: {hosts}."

_RENEWED: Final = (
    "The timestamp of the manifest was renewed while it counted, the last time at {moment} (renewals: {count})."
)
_RUN_OUT: Final = Sentence(
    "The last timestamp of this package counts no longer, and none that covers it was added while it did. Whoever"
    " made the package may have a copy with one: get it from there again."
)


def remarks_on_renewals(seal: SignatureReport, renewals: Sequence[SignatureReport]) -> Iterator[Sentence]:
    """What to know of the *renewals* of a package, the last one first, and of having none; *seal* is the report on
    its manifest."""
    last = renewals[0] if renewals else seal
    if last.verdict.subindication is SubIndication.OUT_OF_BOUNDS_NO_POE:
        yield _RUN_OUT
    elif renewals and seal.passed and last.timestamp is not None:
        yield Sentence(_RENEWED, {"count": len(renewals), "moment": shown_time(last.timestamp)})


def remarks_beside(
    verdict: Verdict, facts: CaptureFacts, dated: SignatureReport, witnessed: tuple[Sentence, ...]
) -> Iterator[Sentence]:
    """What readers have to know beside the *verdict*; *dated* is the report on the recording's timestamp."""
    if verdict.indication is Indication.FAILED:
        return
    yield Sentence(_CAPTURED, {"address": facts.address})
    if verdict == PASSED and dated.timestamp is not None:
        yield Sentence(_PROVEN, {"moment": shown_time(dated.timestamp)})
    else:
        yield _UNDECIDED
    yield Sentence(_WORD, {"operator": facts.operator, "facts": layout.FACTS})
    if facts.log_in is not None:
        counted = {"exchanges": facts.log_in.exchanges, "hosts": facts.log_in.hosts_in_all}
        yield Sentence(_LOGGED_IN, {"who": facts.by.name, **counted})
    yield from _not_whole(facts)
    untrusted = [each.host for each in facts.tls if each.trust is TlsTrust.UNTRUSTED]
    if untrusted:
        yield Sentence(_UNTRUSTED, {"hosts": ", ".join(dict.fromkeys(untrusted))})
    yield from witnessed


def _not_whole(facts: CaptureFacts) -> Iterator[Sentence]:
    page, traffic = facts.page, facts.traffic
    if page.error:
        yield Sentence(_FAILED, {"error": page.error})
    elif not page.loaded:
        yield _UNLOADED
    if page.cut:
        yield Sentence(_CUT, {"limits": ", ".join(page.cut)})
    if traffic.refused_in_all or traffic.cut_in_all:
        yield Sentence(
            _MISSING,
            {"refused": traffic.refused_in_all, "cut": traffic.cut_in_all, "facts": layout.FACTS},
        )
