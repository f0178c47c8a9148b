"""What a document's form says: its fields, who signed before, and what those signatures forbid."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pyhanko.pdf_utils.generic import ArrayObject, DictionaryObject, NumberObject, pdf_name

from appliance.errors import DocumentRefused
from appliance.pdf.geometry import DEEPEST_TREE
from appliance.pdf.incremental_updates import IncrementalUpdate
from appliance.pdf.reader import entry
from appliance.pdf.values import ExistingSignature

SIGNATURES_EXIST_APPEND_ONLY = 3
"""/SigFlags, ISO 32000-2 table 225."""


@dataclass(frozen=True, slots=True)
class FormField:
    """A terminal field: fully qualified ``name``, ``kind`` (/Sig, /Tx, ...), its dictionary and its reference."""

    name: str
    kind: str
    dictionary: Any
    reference: Any

    def signature(self) -> Any:
        """The signature dictionary of a filled signature field, or None."""
        value = entry(self.dictionary, "/V") if self.kind == "/Sig" else None
        return value if isinstance(value, DictionaryObject) else None


def terminal_fields(root: Any) -> Iterator[FormField]:
    """Every terminal field of the form below the catalogue *root* (12.7.4.2), widgets left out."""
    form = entry(root, "/AcroForm")
    if isinstance(form, DictionaryObject) and isinstance(entry(form, "/Fields"), ArrayObject):
        yield from _below(form["/Fields"], "", "", depth=0)


def _below(nodes: Any, prefix: str, inherited: str, *, depth: int) -> Iterator[FormField]:
    if depth > DEEPEST_TREE:
        raise DocumentRefused("malformed", "The form is circular or nested too deeply.")
    for index in range(len(nodes)):
        node = nodes[index]
        if not isinstance(node, DictionaryObject) or "/T" not in node:
            continue
        name = f"{prefix}.{node['/T']}" if prefix else str(node["/T"])
        kind = str(entry(node, "/FT", inherited))
        kids = entry(node, "/Kids")
        if isinstance(kids, ArrayObject) and any("/T" in kids[position] for position in range(len(kids))):
            yield from _below(kids, name, kind, depth=depth + 1)
        else:
            yield FormField(name, kind, node, nodes.raw_get(index))


def existing_signatures(root: Any) -> tuple[ExistingSignature, ...]:
    """The signatures that the document already carries."""
    found = []
    for field in terminal_fields(root):
        signature = field.signature()
        if signature is not None:
            found.append(
                ExistingSignature(
                    field=field.name,
                    certifies=_transform(signature, "/DocMDP") is not None,
                    timestamp=entry(signature, "/SubFilter") == "/ETSI.RFC3161",
                )
            )
    return tuple(found)


def refuse_if_locked(root: Any) -> None:
    """Raise DocumentRefused when an earlier signature forbids further signature fields."""
    for field in terminal_fields(root):
        signature = field.signature()
        if signature is None:
            continue
        if _transform(signature, "/DocMDP") is not None:
            raise DocumentRefused(
                "certified",
                "The document was certified in the field {field} and allows no further signature fields; "
                "use the document from before that signature.",
                field=field.name,
            )
        lock = _transform(signature, "/FieldMDP")
        if lock is not None and entry(lock, "/Action") != "/Include":
            raise DocumentRefused(
                "locked",
                "The signature in the field {field} locked the form; use the document from before that signature.",
                field=field.name,
            )


def form_of(revision: IncrementalUpdate) -> Any:
    """The form dictionary, made when missing, marked as carrying signatures; /NeedAppearances goes, because with
    it a viewer would draw fields anew, and differently, after they were signed."""
    root = revision.root
    if not isinstance(entry(root, "/AcroForm"), DictionaryObject):
        root[pdf_name("/AcroForm")] = revision.add_object(DictionaryObject())
        revision.update_root()
    form = root["/AcroForm"]
    if not isinstance(entry(form, "/Fields"), ArrayObject):
        form[pdf_name("/Fields")] = ArrayObject()
        revision.update_container(form)
    if entry(form, "/SigFlags") != SIGNATURES_EXIST_APPEND_ONLY or "/NeedAppearances" in form:
        form[pdf_name("/SigFlags")] = NumberObject(SIGNATURES_EXIST_APPEND_ONLY)
        form.pop("/NeedAppearances", None)
        revision.update_container(form)
    return form


def _transform(signature: Any, method: str) -> Any:
    """The parameters of the signature reference with transform *method* (12.8.2), or None."""
    references = entry(signature, "/Reference")
    if not isinstance(references, ArrayObject):
        return None
    for index in range(len(references)):
        reference = references[index]
        if isinstance(reference, DictionaryObject) and entry(reference, "/TransformMethod") == method:
            parameters = entry(reference, "/TransformParams")
            return parameters if isinstance(parameters, DictionaryObject) else DictionaryObject()
    return None
