"""The contract's history as a PDF that people read, in Chinese and in English."""

from __future__ import annotations

import hashlib
from typing import Any, Final

from appliance.evidence import event_texts, history, voiding
from appliance.evidence.extraction import ExtractedSignature, Extraction
from appliance.evidence.model import EvidenceInput
from appliance.evidence.templating import fill_html
from appliance.language import Language, Translator, translator
from appliance.typesetting import Manner, typeset

_LANGUAGE_TAGS: Final = {Language.CHINESE: "zh-CN", Language.ENGLISH: "en"}


def path(language: Language) -> str:
    """Where the pages lie in the package."""
    return f"history/history.{language.value}.pdf"


def render(evidence: EvidenceInput, extraction: Extraction, language: Language) -> bytes:
    """The PDF. The same values give the same bytes with the same versions of WeasyPrint and fonts.

    Fonts are Noto Sans CJK SC and Noto Serif CJK SC (Debian: fonts-noto-cjk), embedded as subsets. Nothing is
    fetched: the page names no resource. Raises as :func:`appliance.typesetting.typeset`.
    """
    page = fill_html("history.html", **_values(evidence, extraction, language))
    return typeset(page, Manner(identifier=hashlib.sha256(page.encode()).digest()[:16]))


def _values(evidence: EvidenceInput, extraction: Extraction, language: Language) -> dict[str, Any]:
    translate = translator(language)
    hidden = {entry.index for entry in evidence.log.entries if entry.hidden}
    return {
        "language": _LANGUAGE_TAGS[language],
        "_": translate,
        "title": evidence.title,
        "contract": evidence.contract,
        "created": history.local(evidence.created, evidence.zone),
        "created_iso": evidence.created.isoformat(timespec="seconds"),
        "original": hashlib.sha256(evidence.original).hexdigest(),
        "signed": hashlib.sha256(evidence.signed).hexdigest(),
        "signatures": [_signature(each, evidence.zone) for each in extraction.signatures],
        "audience": evidence.audience,
        "void": voiding.is_void(history.events(evidence.log.entries), evidence.contract),
        "hidden": len(hidden),
        "events": [
            _event(event, evidence, translate)
            for event in history.events(evidence.log.entries)
            if event.entry not in hidden
        ],
        "log": evidence.log.checkpoint.decode("utf-8", "replace").split("\n\n")[0].split("\n"),
    }


def _event(event: history.PackageEvent, evidence: EvidenceInput, translate: Translator) -> dict[str, Any]:
    clock, _, where = history.local(event.at, evidence.zone).partition(" UTC")
    return {
        "title": translate(event_texts.event_title(event)),
        "clock": clock,
        "zone": f"UTC{where}",
        "actor": _actor(event, evidence, translate),
        "entry": event.entry,
        "facts": [
            (translate(label), value)
            for label, value in event_texts.event_facts(event, evidence.names, evidence.zone)
        ],
    }


def _actor(event: history.PackageEvent, evidence: EvidenceInput, translate: Translator) -> str:
    return translate("by itself") if event.actor == "system" else evidence.names.get(event.actor, event.actor)


def _signature(each: ExtractedSignature, zone: str) -> dict[str, Any]:
    certificate = each.signed.certificate
    return {
        "number": each.number,
        "name": each.material.name,
        "organisation": each.material.organisation,
        "kind": each.material.kind,
        "at": history.local(each.signed.at, zone),
        "serial": f"{certificate.serial_number:x}",
    }
