"""The same in Firefox: `make test-offline` has one, other runs have it where it is installed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from appliance.evidence.repacked import read_zip
from tests.evidence.resealing import repacked
from tests.evidence.unpacked import unpack
from tests.offline_verifier import firefox
from tests.offline_verifier.firefox import Firefox, FirefoxError
from tests.offline_verifier.opened import TELL, Told

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(firefox.PROGRAM is None, reason="no Firefox: scripts/setup firefox"),
]


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Firefox]:
    with firefox.running(tmp_path_factory.mktemp("firefox") / "profile", language="zh-CN") as running:
        yield running


@pytest.fixture
def page(browser: Firefox, verifier_file: Path) -> Firefox:
    browser.go("about:blank")
    browser.go(verifier_file.as_uri())
    browser.wait_for("html[data-ready]")
    return browser


def judged(page: Firefox, place: Path, content: bytes) -> Told:
    place.write_bytes(content)
    return told_after(page, lambda: page.choose("#file", place))


def told_after(page: Firefox, give: Callable[[], None]) -> Told:
    page.run("delete document.documentElement.dataset.judged")
    give()
    page.wait_for("html[data-judged]")
    return Told(**page.run(f"return ({TELL})()"))


def trusting(page: Firefox, root: bytes, place: Path) -> None:
    place.write_bytes(root)
    page.choose("#roots", place)
    page.wait_for("#trusted:not([hidden])")


def test_a_package_is_proven_by_the_root_that_the_reader_names(
    page: Firefox, package: bytes, root: bytes, tmp_path: Path
) -> None:
    trusting(page, root, tmp_path / "root.pem")
    told = judged(page, tmp_path / "package.zip", package)
    assert told.proven and told.heading == "已核验" and set(told.signatures) == {"TOTAL-PASSED"}
    data = bytearray(read_zip(package).files["contract/contract.signed.pdf"])
    data[len(data) // 2] ^= 1
    changed = repacked(package, {"contract/contract.signed.pdf": bytes(data)})
    told = judged(page, tmp_path / "changed.zip", changed)
    assert told.indication == "TOTAL-FAILED" and not told.proven
    told = judged(page, tmp_path / "signed.pdf", bytes(read_zip(package).files["contract/contract.signed.pdf"]))
    assert told.indication == "TOTAL-PASSED"


@pytest.mark.parametrize("dropped", [True, False])
def test_a_folder_is_judged_by_all_that_is_in_it(
    dropped: bool, page: Firefox, package: bytes, root: bytes, tmp_path: Path
) -> None:
    """Dropped, or chosen by the button; the same folder says no once a byte in it is another one."""
    trusting(page, root, tmp_path / "root.pem")
    folder = unpack(package, tmp_path / "package")

    def give() -> None:
        page.drop(folder) if dropped else page.choose_folder("#folder", folder)

    told = told_after(page, give)
    assert told.proven and set(told.steps.values()) == {"TOTAL-PASSED"}
    contract = folder / "contract/contract.signed.pdf"
    data = bytearray(contract.read_bytes())
    data[len(data) // 2] ^= 1
    contract.write_bytes(data)
    told = told_after(page, give)
    assert told.indication == "TOTAL-FAILED" and "files" in told.failed


def test_dropped_files_are_judged(page: Firefox, package: bytes, root: bytes, tmp_path: Path) -> None:
    trusting(page, root, tmp_path / "root.pem")
    (tmp_path / "package.zip").write_bytes(package)
    assert told_after(page, lambda: page.drop(tmp_path / "package.zip")).proven


def test_without_a_root_nothing_is_valid(page: Firefox, package: bytes, tmp_path: Path) -> None:
    told = judged(page, tmp_path / "package.zip", package)
    assert not told.proven and "TOTAL-PASSED" not in told.signatures
    page.click("#believe")
    page.wait_for(".verdict[data-proven]")


def test_its_policy_lets_it_ask_nobody(page: Firefox) -> None:
    """A script of the page itself could reach no address; none but its own script runs there at all."""
    page.run(
        "const one = document.createElement('script'); one.text = 'window.ran = 1'; document.body.append(one)"
    )
    assert page.run("return window.wrappedJSObject.ran") is None
    with pytest.raises(FirefoxError, match="NetworkError"):
        page.ask("WebDriver:ExecuteScript", script="return fetch('http://127.0.0.1:9/').then(() => 1)", args=[])
