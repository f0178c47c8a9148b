"""Three thousand people, in a hundred and more departments, as each of the two has them."""

from __future__ import annotations

import pytest

from tests.directory_adapters.company import LABEL, company
from tests.directory_adapters.conftest import MAIL, Estate

pytestmark = pytest.mark.slow


def test_three_thousand_people(estate: Estate) -> None:
    big = company(3000, teams=4)
    big.labels[LABEL] = [f"u{number:05d}" for number in range(0, 3000, 20) if number % 100 < 50]
    vars(estate.company).update(vars(big))
    people = MAIL if estate.source == "wecom" else MAIL.replace("biz_mail", "org_email")
    assert estate.run(people=people).status == 0
    gone = 60 if estate.source == "wecom" else 30
    assert len(estate.scim.kept["Users"]) == 3000 - gone
    assert len(estate.scim.members(LABEL)) == 90
    estate.scim.writes.clear()
    assert estate.run(people=people).status == 0
    assert not estate.scim.writes
