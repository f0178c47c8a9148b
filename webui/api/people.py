"""The people of a client's organisations."""

from __future__ import annotations

from appliance.model.api_clients import Scope
from webui.api.conversions import person_of
from webui.api.lists import one_page
from webui.api.operations import Answer, Call, Declared, Leads, operation
from webui.api.types import ApiPage, ApiPeople
from webui.shared.served import appliance


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
