"""``/contracts/ID/read``: one page after the other, for as long as policy asks, before the document is signed."""

from __future__ import annotations

from appliance.errors import PreconditionRefused
from appliance.page_reading import ShownPage
from webui.portal.access import ContractView, view_contract
from webui.portal.pages import appliance
from webui.portal.signing.sheet import pages
from webui.shared.form_pages import Answer, form, render, see_other, unprocessable
from webui.shared.forms import posted_number


@pages.get("/contracts/<contract_id>/read")
def read(contract_id: str) -> Answer:
    seen = view_contract(contract_id)
    shown = _next(seen)
    if shown is None:
        return see_other("signing.sign", contract_id=contract_id)
    return render(
        "signing/read.html",
        contract=seen.contract,
        page=shown.page,
        wait=-(-shown.left.total_seconds() // 1),
    )


def _next(seen: ContractView) -> ShownPage | None:
    return appliance.reading.show_next(seen.contract.id, by=seen.who.subject)


@pages.post("/contracts/<contract_id>/read")
@form(read, view_contract, refusals=(PreconditionRefused,), status=unprocessable)
def go_on(seen: ContractView, contract_id: str) -> Answer:
    appliance.reading.finish_page(contract_id, posted_number("page", 6), by=seen.who.subject)
    return see_other("signing.read", contract_id=contract_id)
