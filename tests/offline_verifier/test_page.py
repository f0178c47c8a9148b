"""The page itself: languages, keyboard and screen reader, nothing from outside; what it says of other files."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from appliance.evidence.common_files import read_verifier, verifier_policy
from appliance.evidence.repacked import read_zip
from tests.browser.visitor import AXE, RULES, STUDY, WIDER
from tests.offline_verifier.opened import Opened, in_chromium
from tests.sweeps import first_of

ENGLISH = re.compile(r"[A-Za-z]{3,}(?: [A-Za-z]{2,}){2,}")
"""Words of an English sentence."""


@pytest.mark.parametrize("phone", first_of([True, False]))
@pytest.mark.parametrize("scheme", first_of(["light", "dark"]))
def test_it_is_accessible_and_fits(
    phone: bool, scheme: str, chromium: Browser, verifier_file: Path, package: bytes
) -> None:
    """By axe-core, which only a page without its policy lets in."""
    with in_chromium(
        chromium, verifier_file, language="zh-CN", phone=phone, color_scheme=scheme, bypass_csp=True
    ) as opened:
        page = opened.page
        page.evaluate(AXE)
        for judged in (False, True):
            if judged:
                opened.judge({"package.zip": package})
                page.locator("summary").first.click()
            found = page.evaluate(STUDY, list(RULES))
            assert not [each for each in found if each[1] in ("serious", "critical")], found
            assert page.evaluate(WIDER) <= 1


@pytest.mark.parametrize("language", ["zh-CN", "en-GB"])
def test_it_fits_narrow_phones(language: str, chromium: Browser, verifier_file: Path, package: bytes) -> None:
    """Without a root, when the button that trusts the package's is there: its English is the longest."""
    with in_chromium(chromium, verifier_file, language=language) as opened:
        opened.page.set_viewport_size({"width": 360, "height": 740})
        opened.judge({"package.zip": package})
        opened.page.click(".origin summary")
        assert opened.page.locator("#believe").is_visible() and opened.page.evaluate(WIDER) <= 1


def test_it_speaks_the_language_of_the_browser_and_the_other(
    chromium: Browser, verifier_file: Path, package: bytes
) -> None:
    with in_chromium(chromium, verifier_file, language="zh-CN") as opened:
        assert opened.page.locator("html").get_attribute("lang") == "zh-CN"
        told = opened.judge({"证据包.zip": package})
        whole = opened.page.locator("body").inner_text()
        assert told.heading == "无法判定" and not ENGLISH.findall(whole.replace("Vermilion", ""))
        opened.page.click("#language")
        assert opened.page.locator("html").get_attribute("lang") == "en"
        assert opened.tell().heading == "Undecided"
    with in_chromium(chromium, verifier_file, language="fr-FR") as opened:
        assert opened.page.locator("html").get_attribute("lang") == "zh-CN"
    with in_chromium(chromium, verifier_file, language="en-US") as opened:
        assert opened.page.title() == "Offline verification"


def test_the_keyboard_does_everything(chromium: Browser, verifier_file: Path, package: bytes) -> None:
    with in_chromium(chromium, verifier_file, language="en-GB") as opened:
        page, reached = opened.page, []
        for _ in range(6):
            page.keyboard.press("Tab")
            reached.append(page.evaluate("document.activeElement.id"))
        assert {"language", "file", "folder", "roots"} <= set(reached)
        opened.judge({"package.zip": package})
        assert page.evaluate("document.activeElement.id") == "heading"  # where a screen reader goes on
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.id") == "believe"
        page.keyboard.press("Enter")
        page.wait_for_selector(".verdict[data-proven]")


def test_it_prints_with_everything_open(chromium: Browser, verifier_file: Path, package: bytes) -> None:
    with in_chromium(chromium, verifier_file, language="en-GB") as opened:
        opened.judge({"package.zip": package})
        assert "package.zip" in opened.page.locator(".verdict").inner_text()  # whose verdict a printed page has
        opened.page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
        assert opened.page.locator("#result details:not([open])").count() == 0
        assert opened.page.locator(".origin[open]").count() == 0
        opened.page.emulate_media(media="print")
        assert not opened.page.locator("#file").is_visible()
        sign = "getComputedStyle(document.querySelector('.verdict .sign'))"
        assert opened.page.evaluate(f"{sign}.color === {sign}.borderTopColor")  # no backgrounds are printed
        assert opened.page.pdf().startswith(b"%PDF-")


def test_its_policy_allows_no_connection_and_no_other_script() -> None:
    policy = dict(each.split(" ", 1) for each in verifier_policy().split("; "))
    assert policy["default-src"] == policy["base-uri"] == policy["form-action"] == "'none'"
    assert "connect-src" not in policy and re.fullmatch(r"'sha256-[A-Za-z0-9+/=]{44}'", policy["script-src"])
    page = read_verifier().decode()
    assert not re.findall(r"""(?:src|href|action)=["'](?!data:)""", page)
    assert "unsafe" not in verifier_policy()


def test_it_asks_nobody_even_if_told_to(chromium: Browser, verifier_file: Path) -> None:
    context = chromium.new_context()
    page = context.new_page()
    page.goto(verifier_file.as_uri())
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    assert page.evaluate("fetch('http://127.0.0.1:9/').then(() => 'asked', () => 'refused')") == "refused"
    page.evaluate("document.body.append(Object.assign(new Image(), {src: 'http://127.0.0.1:9/'}))")
    page.evaluate(
        "document.body.append(Object.assign(document.createElement('script'), {text: 'window.ran = 1'}))"
    )
    assert page.evaluate("window.ran") is None and page.evaluate("document.images[0].naturalWidth") == 0
    context.close()


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("empty.pdf", b"", "The file is empty."),
        ("notes.txt", b"some text\n", "neither a signed PDF nor"),
        ("root.pem", b"-----BEGIN CERTIFICATE-----\n", "“Trusted roots”"),
        ("both.zip", b"PK\x03\x04 %PDF-1.7 ", "a ZIP and a PDF at once"),
        ("der.tst", b"\x30\x03\x02\x01\x01", "neither a signed PDF nor"),
        ("cut.zip", b"PK\x03\x04 cut off", "does not end as a ZIP does"),
        ("<img src=x onerror=alert(1)>.pdf", b"%PDF-1.7", ""),
    ],
)
def test_other_files_get_a_clear_sentence(name: str, content: bytes, said: str, opened: Opened) -> None:
    told = opened.judge({name: content})
    assert said in told.text and told.indication != "TOTAL-PASSED"
    assert opened.page.locator("#result img").count() == 0


def test_letters_that_nobody_sees_turn_no_name_around(opened: Opened) -> None:
    """A name with direction overrides (UAX 9) looks like another one; here they are shown."""
    opened.judge({"contract\u202efdp.\u2066exe\u200b.pdf": b"%PDF-1.7"})
    shown = opened.page.locator("#result").inner_text()
    assert "contract\ufffdfdp.\ufffdexe\ufffd.pdf" in shown


def test_files_that_do_not_belong_together_are_not_judged(opened: Opened, package: bytes) -> None:
    told = opened.judge({"one.zip": package, "two.zip": package})
    assert "do not belong together" in told.text


def test_a_timestamp_is_judged_with_the_file_that_it_dates(opened: Opened, package: bytes) -> None:
    files = {path: bytes(data) for path, data in read_zip(package).files.items()}
    stamp = files["contract/contract.tsr"]
    told = opened.judge({"contract.tsr": stamp})
    assert told.indication == "INDETERMINATE" and "Timestamp of 20" in told.text and "Signed 20" not in told.text
    assert opened.add({"contract.signed.pdf": files["contract/contract.signed.pdf"]}).indication == "TOTAL-PASSED"
    told = opened.judge({"contract.tsr": stamp, "other.pdf": files["contract/contract.pdf"]})
    assert told.indication == "TOTAL-FAILED"


def test_a_log_proof_is_judged_with_the_key_and_the_entry(opened: Opened, package: bytes) -> None:
    files = {path: bytes(data) for path, data in read_zip(package).files.items()}
    proof, entry = files["log/proofs/00000003.tlog-proof"], files["log/entries/00000003.json"]
    told = opened.judge({"3.tlog-proof": proof})
    assert told.indication == "INDETERMINATE" and "log.vkey" in told.text
    whole = {"3.tlog-proof": proof, "log.vkey": files["log/log.vkey"], "3.json": entry}
    assert opened.judge(whole).indication == "TOTAL-PASSED"
    assert opened.judge(whole | {"3.json": entry + b" "}).indication == "TOTAL-FAILED"
    assert (
        opened.judge(whole | {"3.tlog-proof": proof.replace(b"index 3", b"index 8")}).indication == "TOTAL-FAILED"
    )
    other = files["log/log.vkey"].replace(b"vermilion.example", b"another.example")
    assert opened.judge(whole | {"log.vkey": other}).indication == "TOTAL-FAILED"


@pytest.mark.long
def test_a_hundred_megabytes_freeze_nothing(opened: Opened) -> None:
    page = opened.page
    page.evaluate("window.beats = 0; setInterval(() => (window.beats += 1), 20)")
    told = opened.judge({"large.pdf": b"%PDF-1.7\n" + bytes(40 * 1024 * 1024) + b"/ByteRange [0 1 2 3]"})
    assert told.indication != "TOTAL-PASSED" and page.evaluate("window.beats") > 0
