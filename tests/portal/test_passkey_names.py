"""What a passkey is called that nobody has named: said in the language of whoever reads the page."""

from __future__ import annotations

import pytest
from flask import Flask
from webauthn.helpers import bytes_to_base64url

from appliance.demonstration.participants import ZHANG
from appliance.language import Language
from appliance.model.accounts import AT_SET_UP, Passkey
from appliance.store import accounts
from appliance.wiring import Appliance
from tests.portal.visitors import signed_in

WORDS = {"zh": "初始设置时创建", "en": "Made at set-up"}


@pytest.mark.parametrize("label", [AT_SET_UP, "初始设置时创建"], ids=["now", "in rows of before"])
@pytest.mark.parametrize("language", WORDS)
def test_a_passkey_of_the_set_up_is_named_in_the_readers_language(
    portal: Flask, appliance: Appliance, label: str, language: str
) -> None:
    """On the list, where it is removed, and among what one signs with; a name of one's own stays as it is."""
    browser = signed_in(portal, appliance, ZHANG.subject)
    known = appliance.authority.credentials(ZHANG.subject)[0].credential_id
    assert known is not None
    with appliance.database.transaction() as tx:
        for identifier, name in ((known, label), (b"another", "工作 laptop")):
            accounts.insert_passkey(tx, Passkey(identifier, ZHANG.subject, b"key", 0, name, appliance.now()))
    appliance.accounts.own.prefer(ZHANG.subject, Language(language))
    try:
        removal = f"/settings/passkeys/{bytes_to_base64url(known)}/remove"
        pages = [browser.get(address).text for address in ("/settings", removal, "/settings/signing")]
    finally:
        appliance.accounts.own.prefer(ZHANG.subject, Language.CHINESE)
        with appliance.database.transaction() as tx:
            accounts.remove_passkeys(tx, ZHANG.subject)
    [other] = WORDS.keys() - {language}
    for page in pages:
        assert WORDS[language] in page and WORDS[other] not in page
    assert "<b>工作 laptop</b>" in pages[0]
