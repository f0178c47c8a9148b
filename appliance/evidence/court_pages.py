"""What a package opens with for a court: the list of evidence, typeset and for programs, and the submission guide.

Both are for reading: no judge takes anything from them, and the manifest lists them like every file. The list is
about one contract; the guide is the same in every package of a release, and is typeset once in each process.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from appliance.evidence.evidence_list import Evidence, list_of
from appliance.evidence.extraction import ExtractedSignature, Extraction
from appliance.evidence.law import ARTICLES, OWN_LIST, Article
from appliance.evidence.manifest import ListedFile
from appliance.evidence.model import EvidenceInput
from appliance.evidence.readme import heading_values
from appliance.language import Language, Translator, instants, translator
from appliance.language.characters import with_organisation
from appliance.typesetting.typesetter import page_template, typeset_identified
from hsm import canonical
from hsm.errors import Sentence
from hsm.intents import instant

FORMAT: Final = "vermilion-evidence-list/1"
LIST_JSON: Final = "00-evidence-list.json"
"""First among all files, and longer than a kilobyte: a PDF there would make the ZIP one, to programs that look for
its header so far (ISO 32000-1, H.3.4.1)."""


def list_path(language: Language) -> str:
    """Where the typeset list of evidence lies in the package: first of what people open."""
    return f"01-evidence-list.{language.value}.pdf"


def guide_path(language: Language) -> str:
    """Where the submission guide lies in the package."""
    return f"02-submission-guide.{language.value}.pdf"


def list_json(evidence: EvidenceInput, listed: Sequence[Evidence]) -> bytes:
    """The list of evidence for programs: canonical JSON, each text in both languages."""
    return canonical.encode(
        {
            "format": FORMAT,
            "contract": evidence.contract,
            "title": evidence.title,
            "number": evidence.number,
            "made_for": evidence.audience,
            "created": instant(evidence.created),
            "evidence": [_evidence(each) for each in listed],
            "articles": [_article(each, _numbers(listed)) for each in ARTICLES],
        }
    )


def _evidence(each: Evidence) -> dict[str, Any]:
    kind = each.kind
    return {
        "number": each.number,
        "kind": kind.key,
        "name": _both(kind.name),
        "what": _both(kind.what),
        "source": _both(kind.source),
        "proves": _both(kind.proves),
        "does_not_prove": _both(kind.limit),
        **({} if each.pages is None else {"pages": each.pages}),
        "files": [_file(file) for file in each.files],
    }


def _file(file: ListedFile) -> dict[str, Any]:
    stated = {"sha256": file.sha256, "size": file.size} if file.sha256 else {}
    return {"path": file.path, **stated}


def _article(each: Article, numbers: Mapping[str, int]) -> dict[str, Any]:
    return {
        "law": _both(each.law),
        "article": _both(each.place),
        "asks": _both(each.asks),
        "evidence": [numbers[key] for key in each.evidence if key in numbers],
        "note": _both(each.note),
    }


def _both(sentence: Sentence) -> dict[str, str]:
    return {each.value: sentence.translated(translator(each)) for each in Language}


def _numbers(listed: Sequence[Evidence]) -> dict[str, int]:
    return {each.kind.key: each.number for each in listed}


def render_pages(evidence: EvidenceInput, extraction: Extraction, files: Mapping[str, bytes]) -> dict[str, bytes]:
    """By their paths the PDFs of the list of evidence among *files*, with the signatures one by one and what the
    law asks, and of the submission guide.

    The same values give the same bytes, as :func:`appliance.evidence.readme.render_histories`. Raises as
    :func:`appliance.typesetting.typesetter.typeset`.
    """
    guides = {guide_path(each): _guide(each) for each in Language}
    lists = {list_path(each): _list(evidence, extraction, files, each) for each in Language}
    pages = lists | {path: page for path, page in guides.items() if page not in _guides}
    made = dict(zip(pages, typeset_identified(list(pages.values())), strict=True))
    _guides.update((page, made[path]) for path, page in guides.items() if path in made)
    return made | {path: _guides[page] for path, page in guides.items()}


_guides: Final[dict[str, bytes]] = {}
"""The PDFs of the guide by their pages, which are the same in every package."""


def _list(evidence: EvidenceInput, extraction: Extraction, files: Mapping[str, bytes], language: Language) -> str:
    """The page of the list in *language*."""
    say = translator(language)
    listed = list_of(evidence, extraction, files)
    return page_template("appliance.evidence", "templates/evidence-list.html").render(
        heading_values(evidence, language),
        earlier=len(evidence.earlier),
        evidence=[_row(each, say) for each in listed],
        signatures=[_signature(each, evidence.zone, say) for each in extraction.signatures],
        laws=_laws(listed, say),
    )


def _row(each: Evidence, say: Translator) -> dict[str, Any]:
    kind = each.kind
    return {
        "number": each.number,
        "name": kind.name.translated(say),
        "what": kind.what.translated(say),
        "source": kind.source.translated(say),
        "proves": kind.proves.translated(say),
        "limit": kind.limit.translated(say),
        "pages": each.pages,
        "size": f"{each.size:,}" if each.size else "",
        "files": _paths(each),
        "count": len(each.files),
    }


def _paths(each: Evidence) -> list[str]:
    """The files of a piece of evidence; of many in one folder the folder alone, as the manifest lists them all."""
    paths = [file.path for file in each.files]
    folders = {path.partition("/")[0] for path in paths if "/" in path}
    return paths if len(paths) <= _MOST_PATHS else [*(f"{folder}/" for folder in sorted(folders)), *_loose(paths)]


_MOST_PATHS: Final = 4


def _loose(paths: Sequence[str]) -> list[str]:
    return [path for path in paths if "/" not in path]


_WAYS: Final = {
    "verified": Sentence("outside signer, identity checked by the operator's officers"),
    "vouched": Sentence("outside signer, named by the initiator; certificate for this contract alone"),
    "own-certificate": Sentence("made elsewhere, by the signer's own certificate; its issuer vouches for them"),
}
_OTHER_SEAL: Final = Sentence("seal of another company, kept by its own people; its certificate says so")


def _signature(each: ExtractedSignature, zone: str, say: Translator) -> dict[str, Any]:
    material, certificate = each.material, each.signed.certificate
    seal = material.kind == "seal"
    way = _OTHER_SEAL if seal and material.method == "verified" else _WAYS.get(material.method)
    return {
        "number": each.number,
        "who": material.name if seal else with_organisation(material.name, material.organisation),
        "seal": seal,
        "way": "" if way is None else way.translated(say),
        "at": instants.exact(each.signed.at, zone),
        "issuer": certificate.issuer.rfc4514_string() if each.is_own else "",
    }


def _laws(listed: Sequence[Evidence], say: Translator) -> list[tuple[str, list[dict[str, Any]]]]:
    numbers = _numbers(listed)
    laws: dict[str, list[dict[str, Any]]] = {}
    for each in ARTICLES:
        laws.setdefault(each.law.translated(say), []).append(
            {
                "place": each.place.translated(say),
                "asks": each.asks.translated(say),
                "evidence": [numbers[key] for key in each.evidence if key in numbers],
                "own": OWN_LIST in each.evidence,
                "lacking": bool(each.evidence) and OWN_LIST not in each.evidence,
                "note": each.note.translated(say),
            }
        )
    return list(laws.items())


def _guide(language: Language) -> str:
    """The page of the guide in *language*."""
    template = page_template("appliance.evidence", f"templates/submission-guide.{language.value}.html")
    return template.render({"language": language.tag})
