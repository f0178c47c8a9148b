"""What an agreement that changes a contract is called at first."""

from __future__ import annotations

from dataclasses import replace

import pytest

from appliance.language import Language
from appliance.model.contract import AmendmentKind
from appliance.writing.amending import usual_title
from hsm.intents import LONGEST_TITLE
from tests.appliance.contracts.samples import contract


@pytest.mark.parametrize("language", Language)
def test_the_title_of_a_long_one_still_says_what_it_is(language: Language) -> None:
    earlier = replace(contract(), title="采" * LONGEST_TITLE, language=language)
    title = usual_title(earlier, AmendmentKind.TERMINATION)
    assert len(title) == LONGEST_TITLE and "采…" in title
    assert title.endswith("》解除协议" if language is Language.CHINESE else "”")
