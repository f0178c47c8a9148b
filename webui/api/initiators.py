"""The people whom a client names: those in whose name it works, and others of its organisations, whom it can
list."""

from __future__ import annotations

from appliance.model.accounts import PEOPLES_ROLES, AccountRole, AccountState
from appliance.model.api_clients import Scope
from appliance.model.office import MemberEntry
from webui.api import conversions
from webui.api.conversions import person_of
from webui.api.lists import one_page
from webui.api.operations import Answer, Call, Declared, Leads, operation
from webui.api.problems import ProblemError
from webui.api.types import ApiPage, ApiPeople
from webui.shared.served import appliance


def initiator_of(call: Call, named: str) -> MemberEntry:
    """The person whom the member, or the parameter, ``initiator`` names by subject or mail address. Raises
    :class:`ProblemError` for somebody who is not of the client's organisations, or cannot start contracts."""
    found = _person_of(call, named, "/initiator")
    if not conversions.can_initiate(found):
        raise ProblemError(
            "{name} cannot start contracts; an officer can give the role.",
            "cannot-initiate",
            pointer="/initiator",
            name=found.name,
        )
    return found


def depositor_of(call: Call, named: str) -> str:
    """The subject of the person whom the member ``depositor`` names by subject or mail address. Raises
    :class:`ProblemError` for somebody who is not of the client's organisations, or could not deposit in the
    portal."""
    return _depositing(call, named, "/depositor")


def declarer_of(call: Call, named: str) -> str:
    """The same for the person who has made the declaration of a deposit, at ``/declaration/by``."""
    return _depositing(call, named, "/declaration/by")


def _depositing(call: Call, named: str, pointer: str) -> str:
    found = _person_of(call, named, pointer)
    if found.state is not AccountState.ACTIVE or not found.roles & PEOPLES_ROLES:
        raise ProblemError(
            "{name} cannot deposit: that takes an account that is open, and has a role.",
            "cannot-deposit",
            pointer=pointer,
            name=found.name,
        )
    return found.subject


def investigator_of(call: Call, named: str) -> str:
    """The subject of the person whom the member ``investigator`` names by subject or mail address. Raises
    :class:`ProblemError` for somebody who is not of the client's organisations, or could not capture in the
    portal."""
    found = _person_of(call, named, "/investigator")
    if found.state is not AccountState.ACTIVE or AccountRole.INVESTIGATOR not in found.roles:
        raise ProblemError(
            "{name} cannot capture web pages; an officer can give the role of an investigator.",
            "cannot-capture",
            pointer="/investigator",
            name=found.name,
        )
    return found.subject


def subject_of(call: Call, named: str, pointer: str) -> str:
    """The subject of the person whom the member at *pointer* names by subject or mail address. Raises
    :class:`ProblemError` for an address of nobody of the client's organisations."""
    return _person_of(call, named, pointer).subject if "@" in named else named


def _person_of(call: Call, named: str, pointer: str) -> MemberEntry:
    found = appliance.registry.working_person(call.client.client.organisations, named)
    if found is None:
        raise ProblemError(
            "Nobody of the client's organisations is called {who}; GET /api/v1/people lists them.",
            "unknown-person",
            pointer=pointer,
            who=named,
        )
    return found


@operation(
    "GET",
    "/people",
    Scope.PEOPLE_READ,
    {200: ApiPeople},
    Declared(query=ApiPage),
    Leads("listed_person", {}, {"initiator": "$response.body#/people/0/subject"}),
)
def list_people(call: Call) -> Answer:
    """List the people of the client's organisations who start contracts or sign.

    By subject; nobody whose account is closed or suspended.
    """
    page, own = call.query(ApiPage), call.client.client.organisations
    found = appliance.registry.working_in(own, after=page.after, limit=page.limit + 1)
    shown, last = one_page(found, page.limit, lambda each: each.subject)
    return Answer(ApiPeople([person_of(each, own) for each in shown], last))
