"""What a refused form is answered with (:func:`webui.shared.form_pages.form`), whatever page it is on."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask, request
from flask.testing import FlaskClient

from appliance.errors import ApplianceError, NotAllowed, NotFound, PreconditionRefused, StateRefused
from appliance.language import Language
from webui.shared.form_pages import Answer, FormProblems, form, form_problems, status_in_workflow, unprocessable

REFUSALS = {
    "typed": PreconditionRefused("The width is a number."),
    "changed": StateRefused("It has ended."),
    "gone": NotFound("There is no such seal."),
    "forbidden": NotAllowed("Not for you."),
}


def page(subject: str) -> Answer:
    found = form_problems()
    return {"of": subject, "problems": dict(found.problems)}, found.status


def visitor() -> str:
    if request.args.get("visitor") == "nobody":
        raise NotAllowed("Who are you?")
    return "officer"


def answered(**options: Any) -> FlaskClient:
    """A form at ``/SUBJECT/WHAT`` that refuses with the refusal of that name."""
    app = Flask(__name__)
    app.config.update(LANGUAGE_DEFAULT=Language.ENGLISH, LANGUAGE_ZONE="UTC")
    app.get("/<subject>")(page)

    @app.post("/<subject>/<what>")
    @form(page, visitor, **options)
    def change(by: str, subject: str, what: str) -> Answer:
        if what == "problems":
            raise FormProblems({"name": "Give a name."})
        if what in REFUSALS:
            raise REFUSALS[what]
        return {"by": by, "done": what}

    @app.errorhandler(ApplianceError)
    def refusal(error: ApplianceError) -> Answer:
        return {"page": error.template}, 400

    return app.test_client()


def test_what_is_not_refused_is_the_views_answer() -> None:
    assert answered().post("/seal-1/suspend").json == {"by": "officer", "done": "suspend"}


@pytest.mark.parametrize(
    ("what", "status", "sentence"),
    [
        ("typed", 409, "The width is a number."),
        ("changed", 409, "It has ended."),
        ("forbidden", 403, "Not for you."),
    ],
)
def test_a_refusal_is_shown_by_the_page_with_its_own_status(what: str, status: int, sentence: str) -> None:
    answer = answered().post(f"/seal-1/{what}")
    assert answer.json == {"of": "seal-1", "problems": {"": sentence}}
    assert answer.status_code == status


def test_problems_of_fields_are_shown_by_the_page() -> None:
    answer = answered().post("/seal-1/problems")
    assert answer.json == {"of": "seal-1", "problems": {"name": "Give a name."}}
    assert answer.status_code == 422


def test_the_next_request_knows_nothing_of_it() -> None:
    browser = answered()
    browser.post("/seal-1/typed")
    answer = browser.get("/seal-1")
    assert answer.json == {"of": "seal-1", "problems": {}}
    assert answer.status_code == 200


def test_who_is_not_let_in_sees_no_page_of_the_form() -> None:
    assert answered().post("/seal-1/typed?visitor=nobody").json == {"page": "Who are you?"}


def test_what_is_not_there_is_no_problem_of_the_form_unless_it_says_so() -> None:
    assert answered().post("/seal-1/gone").json == {"page": "There is no such seal."}
    shown = answered(refusals=(ApplianceError, NotFound)).post("/seal-1/gone").json
    assert shown == {"of": "seal-1", "problems": {"": "There is no such seal."}}


def test_other_refusals_than_those_named_are_no_problem_of_the_form() -> None:
    assert answered(refusals=(StateRefused,)).post("/seal-1/typed").json == {"page": "The width is a number."}


@pytest.mark.parametrize(
    ("place", "field"),
    [("reason", "reason"), ({"kind": "kind", "width": "width"}, "width"), ({"kind": "kind"}, "")],
)
def test_the_place_is_a_field_or_found_by_a_word(place: str | dict[str, str], field: str) -> None:
    shown = answered(place=place).post("/seal-1/typed").json
    assert shown == {"of": "seal-1", "problems": {field: "The width is a number."}}


def test_the_status_is_what_the_form_says() -> None:
    assert answered(status=unprocessable).post("/seal-1/changed").status_code == 422
    of_workflow = answered(status=status_in_workflow)
    assert of_workflow.post("/seal-1/changed").status_code == 409
    assert of_workflow.post("/seal-1/typed").status_code == 422
