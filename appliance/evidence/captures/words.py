"""What the stable words of a capture's facts mean to people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from appliance.evidence.captures.facts import CaptureFacts, ConnectionSecurity
from appliance.language import Translator
from appliance.web_capture.model import TlsTrust
from hsm.errors import Sentence

WHY: Final = {
    "forbidden": Sentence("no public address, or a port of another protocol"),
    "not-listed": Sentence("not among the hosts that may be captured"),
    "not-of-house": Sentence("outside the organisation, one of whose own hosts was captured"),
    "of-house": Sentence("of the organisation itself; pages from outside do not reach it"),
    "no-room": Sentence("not opened: the machine that captured had too many connections open"),
    "proxy": Sentence("refused by the organisation's proxy"),
    "unresolved": Sentence("host name not found"),
    "unreachable": Sentence("no connection"),
    "tls": Sentence("no TLS"),
    "no-answer": Sentence("no answer, or none that HTTP knows"),
    "other-host": Sentence("request for another host than its address names"),
    "other-protocol": Sentence("web socket or another protocol, for which WARC has no record"),
    "too-many": Sentence("more requests than the limit"),
    "time": Sentence("not finished in time"),
    "length": Sentence("larger than the limit"),
    "disconnect": Sentence("connection ended early"),
    "unspecified": Sentence("malformed from there on"),
    "excess": Sentence("more was sent than the response had; that was left out"),
    "made-by-page": Sentence("made by the page itself; no server sent it"),
}
"""Why a request went nowhere, or a response was cut."""

RESULTS: Final = {
    "done": Sentence("done"),
    "not-found": Sentence("element not found"),
    "refused": Sentence("not allowed"),
    "late": Sentence("not finished in time"),
    "left": Sentence("done, and led to another page"),
}
"""What became of a step."""

NOTES: Final = {
    "selector": Sentence("not a valid selector"),
    "hidden": Sentence("not shown"),
    "covered": Sentence("covered by another element"),
    "error": Sentence("refused by the browser"),
    "dialog": Sentence("a dialog was closed"),
    "window": Sentence("another window was not opened"),
    "download": Sentence("a download was not made"),
    "busy": Sentence("its script did not end and was stopped"),
}
"""Why a step was refused, or what the page wanted besides."""

STEPS: Final = {
    "scroll": Sentence("scroll"),
    "click": Sentence("click"),
    "wait": Sentence("wait"),
    "record": Sentence("record the screen"),
}
"""The kinds of steps."""


def meaning(words: Mapping[str, Sentence], word: str, say: Translator) -> str:
    """What *word* means in the reader's language; the word itself where a later engine has more of them."""
    return words[word].translated(say) if word in words else word


def trust_of(tls: ConnectionSecurity) -> Sentence:
    """What this machine thought of the certificate."""
    if tls.trust is TlsTrust.TRUSTED:
        return Sentence("Certificate verified")
    if tls.trust is TlsTrust.HOUSE:
        return Sentence("Certificate by an authority of the organisation, which can open TLS")
    return Sentence("Certificate NOT verified: {why}", {"why": tls.why or tls.trust.value})


def page_security(facts: CaptureFacts) -> list[ConnectionSecurity]:
    """TLS with the hosts of the address asked for and the one that was shown."""
    of_page = {_host_of(facts.address), _host_of(facts.page.address)}
    return [each for each in facts.tls if each.host in of_page][:2]


def _host_of(address: str) -> str:
    """As the engine names hosts; empty for what is no address that has one."""
    try:
        return (urlsplit(address).hostname or "").rstrip(".")
    except ValueError:
        return ""
