"""The judge of ETSI's validation reports: the schema of TS 119 102-2, by pyHanko's bindings of it."""

from __future__ import annotations

import dataclasses
from typing import Any, get_args, get_type_hints

from lxml import etree
from pyhanko.generated.etsi import ts_11910202 as bindings
from xsdata.formats.dataclass.parsers import XmlParser
from xsdata.formats.dataclass.parsers.config import ParserConfig

from appliance.verification.etsi_report import NAMESPACE

VR = f"{{{NAMESPACE}}}"
STRICT = ParserConfig(
    fail_on_unknown_properties=True, fail_on_unknown_attributes=True, fail_on_converter_warnings=True
)


def require_valid(xml: bytes) -> etree._Element:
    """The root, when *xml* keeps to the schema: no unknown element or attribute, values of their types, what is
    required, in the order of the schema, and each reference to something."""
    parsed = XmlParser(config=STRICT).from_bytes(xml, bindings.ValidationReport)
    _require_complete(parsed)
    root = etree.fromstring(xml)
    _require_order(root, bindings.ValidationReport)
    known = {each.get("id") for each in root.iter() if each.get("id")}
    named = {name for each in root.iter() for name in (each.get("VOReference") or "").split()}
    assert named <= known
    return root


def _require_complete(value: object) -> None:
    if isinstance(value, list | tuple):
        for each in value:
            _require_complete(each)
    elif dataclasses.is_dataclass(value):
        for each in dataclasses.fields(value):
            found = getattr(value, each.name)
            assert found is not None or not each.metadata.get("required"), (type(value).__name__, each.name)
            # within a choice the bindings count what each branch asks for
            least = 0 if "sequence" in each.metadata else each.metadata.get("min_occurs", 0)
            assert not isinstance(found, list | tuple) or len(found) >= least, (type(value).__name__, each.name)
            _require_complete(found)


def _require_order(element: etree._Element, kind: type[Any]) -> None:
    """The children of *element* stand in the order in which the schema's sequence has them."""
    hints = get_type_hints(kind)
    fields = {each.metadata.get("name"): each for each in dataclasses.fields(kind)}
    names = [name for name, each in fields.items() if each.metadata.get("type") == "Element"]
    children = [(etree.QName(child).localname, child) for child in element if isinstance(child.tag, str)]
    if kind is bindings.SignatureAttributesType or not set(dict(children)) <= set(names):
        return  # a choice, in any order
    if children:
        assert [name for name, _ in children] == sorted((name for name, _ in children), key=names.index)
    for name, child in children:
        for argument in _classes_in(hints[fields[name].name]):
            _require_order(child, argument)


def _classes_in(hint: Any) -> list[type[Any]]:
    if dataclasses.is_dataclass(hint):
        return [hint] if "etsi" in hint.__module__ else []
    return [found for each in get_args(hint) for found in _classes_in(each)]


def indications(root: etree._Element) -> list[str]:
    """Of each signature, without the prefix."""
    path = f"{VR}SignatureValidationReport/{VR}SignatureValidationStatus/{VR}MainIndication"
    return [each.text.rpartition(":")[2].upper() for each in root.findall(path)]
