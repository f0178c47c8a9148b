"""Names with their organisations, in the brackets of their script."""

from __future__ import annotations

import pytest

from appliance.language.names import with_organisation


@pytest.mark.parametrize(
    ("name", "organisation", "shown"),
    [
        ("张示例", "甲公司", "张示例（甲公司）"),
        ("Zhang", "甲公司", "Zhang（甲公司）"),
        ("Zhang", "Alpha Ltd", "Zhang (Alpha Ltd)"),
        ("甲公司 合同专用章", "甲公司", "甲公司 合同专用章"),
        ("Zhang", None, "Zhang"),
        ("Zhang", "", "Zhang"),
    ],
)
def test_brackets_follow_the_script_and_nothing_is_said_twice(
    name: str, organisation: str | None, shown: str
) -> None:
    assert with_organisation(name, organisation) == shown
