"""The OpenAPI document says what is there: valid, complete, and nothing that integrators use disappears."""

from __future__ import annotations

import json
import re
from typing import Any, get_args

import pytest
from flask import Flask
from openapi_spec_validator import OpenAPIV31SpecValidator

from appliance.language import Language
from appliance.model.contract import ContractState, SigningOrder
from appliance.model.contract import PartyState as ModelPartyState
from appliance.signing_methods import SigningMethod
from scripts.api_document import STORED, breaking_changes
from webui.api import openapi, types
from webui.api.examples import EXAMPLES
from webui.api.operations import OPERATIONS

NOW = json.loads(openapi.document())


def test_the_document_is_valid() -> None:
    OpenAPIV31SpecValidator(NOW).validate()


def test_the_stored_copy_is_the_document_of_now() -> None:
    assert STORED.read_bytes() == openapi.document(), "make api-document"


def test_nothing_that_integrators_use_is_taken_away() -> None:
    assert not breaking_changes(json.loads(STORED.read_bytes()), NOW)


def test_every_address_of_the_portal_below_the_prefix_is_in_the_document(portal: Flask) -> None:
    served = {
        (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule).removeprefix(openapi.PREFIX), method.lower())
        for rule in portal.url_map.iter_rules()
        if rule.rule.startswith("/api/")
        for method in (rule.methods or set()) - {"HEAD"}
    }
    described = {(path, method) for path, methods in NOW["paths"].items() for method in methods}
    assert served == described


def test_every_operation_says_what_it_is_and_what_it_refuses() -> None:
    for each in OPERATIONS:
        said = NOW["paths"][each.path][each.method.lower()]
        assert said["summary"] and "\n" not in said["summary"]
        assert {"429", "500", "503"} <= said["responses"].keys()
        for code in each.request.problems:
            assert f"`{code}`" in said["responses"][str(openapi.status_of_code(code))]["description"]


def test_links_lead_from_what_is_made_to_all_that_can_be_done_with_it() -> None:
    def targets(path: str, method: str, status: str) -> set[str]:
        links = NOW["paths"][path][method]["responses"][status]["links"]
        assert all(each["$ref"].rpartition("/")[2] in NOW["components"]["links"] for each in links.values())
        return set(links)

    with_contract = {each.name for each in OPERATIONS if each.path.startswith("/contracts/{contract_id}")}
    assert targets("/contracts", "post", "201") == with_contract
    assert targets("/contracts/{contract_id}/parties", "post", "201") == with_contract
    assert {"create_batch", "draft_from_template"} <= targets("/templates", "get", "200")
    assert targets("/batches", "post", "201") == {each.name for each in OPERATIONS if "{batch_id}" in each.path}
    for link in NOW["components"]["links"].values():
        [target] = [each for each in OPERATIONS if each.name == link["operationId"]]
        known = {each["name"] for each in NOW["paths"][target.path][target.method.lower()].get("parameters", ())}
        assert set(target.parts) <= link.get("parameters", {}).keys() <= known


@pytest.mark.parametrize(
    ("words", "model"),
    [
        (types.State, ContractState),
        (types.PartyState, ModelPartyState),
        (types.Order, SigningOrder),
        (types.Tongue, Language),
        (types.Method, SigningMethod),
    ],
)
def test_the_words_of_the_api_are_those_of_the_model(words: Any, model: Any) -> None:
    assert set(get_args(words)) == {each.value for each in model}


def test_every_example_is_of_an_operation() -> None:
    assert EXAMPLES.keys() <= {each.name for each in OPERATIONS}


def _changed(path: str, change: Any) -> dict[str, Any]:
    """The document with the value at *path* (words with blanks between) changed."""
    document = json.loads(openapi.document())
    *steps, last = path.split(" ")
    place = document
    for step in steps:
        place = place[step]
    if change is None:
        del place[last]
    else:
        place[last] = change(place[last])
    return document


TITLE_LAST = "components schemas Contract properties"


@pytest.mark.parametrize(
    "after",
    [
        _changed("paths /contracts get", None),
        _changed("paths /contracts", None),
        _changed(f"{TITLE_LAST} title", None),
        _changed(f"{TITLE_LAST} title type", lambda _: "integer"),
        _changed(f"{TITLE_LAST} state enum", lambda words: words[1:]),
        _changed("components schemas Contract required", lambda names: [n for n in names if n != "title"]),
        _changed("components schemas Draft required", lambda names: [*names, "kind"]),
        _changed("components schemas Extension properties", lambda fields: {}),
        _changed("paths /contracts post responses 201", None),
        _changed("paths /contracts get parameters", lambda each: each[1:]),
        _changed(
            "paths /contracts/{contract_id}/send post parameters",
            lambda each: [{**one, "required": True} for one in each],
        ),
        _changed("paths /contracts/{contract_id}/send post requestBody required", lambda _: True),
    ],
)
def test_what_breaks_integrators_is_found(after: dict[str, Any]) -> None:
    assert breaking_changes(NOW, after)


@pytest.mark.parametrize(
    "after",
    [
        _changed(
            "components schemas Contract properties", lambda fields: {**fields, "colour": {"type": "string"}}
        ),
        _changed("components schemas Draft properties", lambda fields: {**fields, "colour": {"type": "string"}}),
        _changed("paths", lambda paths: {**paths, "/new": {"get": {"responses": {}}}}),
        _changed("components schemas Draft required", lambda names: names[1:]),
    ],
)
def test_what_only_adds_breaks_nothing(after: dict[str, Any]) -> None:
    assert not breaking_changes(NOW, after)
