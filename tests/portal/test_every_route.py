"""Every route by every kind of visitor, and every form with everything that a hostile browser can send."""

from __future__ import annotations

import hmac
import html
import re
import textwrap
from collections.abc import Iterator, Mapping
from functools import partial
from itertools import product
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import segno
from werkzeug.test import TestResponse

from tests.portal.estate import Estate, once
from tests.portal.mismatches import AT_THE_FORM, MISMATCHED, add_seconds, is_for_programs, to_cover
from tests.portal.reading import READERS, Reader, faults_of_page, faults_of_words, written
from tests.portal.routes import EVERYBODY, GET, MACHINES, POST, VISITORS, Row
from tests.sweeps import first_of, one_in
from tests.world import kept

COOKIE = "a-cookie-of-the-browser"
TOKEN = hmac.digest(bytes(range(32)), b"form\n" + COOKIE.encode(), "sha256").hex()
"""What a page of ours would carry for this cookie (webui/shared/forms.py)."""

DEFAULT_ZONE = "Europe/Berlin"
"""The zone of the house, where nobody lives who reads."""

ABSENT = ("mark.picture", "accounts.to_provider", "accounts.from_provider")
"""The organisation of the tests has no mark and no identity provider."""

HIDDEN = "right to left"
HOSTILE = {
    "too long": "x" * 100_000,
    "digits without end": "9" * 5_000,
    "NUL": "a\x00b",
    HIDDEN: "abc\u202efdp.exe",
    "markup": "<b>x</b>",
    "beyond the basic plane": "𠮷野",
    "a line break": "a\r\nX: y",
    "a number": "-1e999",
    "half a surrogate": b"\xed\xa0\x80",
}
"""What no field takes, unless it is for words; from those, hidden characters are left out."""


@pytest.fixture(autouse=True)
def quick_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """QR codes with the first mask for the best of eight: these tests are not about cameras."""
    monkeypatch.setattr(segno, "make", partial(segno.make, mask=0))


def address(estate: Estate, row: Row) -> str:
    return row.path.format(**estate.names)


def form(estate: Estate, row: Row, **changes: str) -> dict[str, object]:
    filled = {name: value.format(**estate.names, once=once()) for name, value in row.form.items()}
    return {**filled, **changes}


def send(
    estate: Estate, row: Row, visitor: str, data: Mapping[str, object] | None = None, *, token: bool = True
) -> TestResponse:
    """The form of *row*, as a page of ours would send it for *visitor*, who has not tried anything before."""
    with estate.appliance.database.transaction() as tx:
        tx.execute("DELETE FROM throttle")
    client = estate.browser(visitor)
    client.set_cookie("form", COOKIE)
    client.set_cookie("framed-form", COOKIE)
    filled = dict(form(estate, row) if data is None else data)
    return client.post(address(estate, row), data={**filled, **({"form_token": TOKEN} if token else {})})


def is_turned_away(answer: TestResponse, visitor: str = "") -> bool:
    """Signed out, not allowed, or told that there is no such thing.

    Auditors may read every contract, so they hear why they cannot act on it.
    """
    to_login = answer.status_code == 303 and answer.headers["Location"].startswith("/login")
    reasoned = visitor == "auditor" and answer.status_code == 409
    return to_login or reasoned or answer.status_code in (401, 403, 404)


def says_why(answer: TestResponse) -> bool:
    """A sentence for the reader: on the error page, or at the form."""
    return 'class="errorcode"' in answer.text or 'role="alert"' in answer.text or 'class="problem' in answer.text


def test_the_table_knows_every_route(estate: Estate) -> None:
    rules = [rule for rule in estate.portal.url_map.iter_rules() if not is_for_programs(rule)]
    assert set(GET) == {rule.endpoint for rule in rules if "GET" in (rule.methods or ())}
    assert set(POST) | MACHINES == {rule.endpoint for rule in rules if "POST" in (rule.methods or ())}


@pytest.mark.parametrize("endpoint", one_in(3, GET))
def test_pages_open_for_those_whom_the_table_names(estate: Estate, endpoint: str) -> None:
    row = GET[endpoint]
    for visitor in (row.keeper, *VISITORS):
        answer = estate.browser(visitor).get(address(estate, row), buffered=True)
        welcome = (visitor in row.let_in or visitor == row.keeper) and endpoint not in ABSENT
        assert is_turned_away(answer, "" if welcome else visitor) is not welcome, (visitor, answer.status_code)
        assert answer.status_code < 400 or (answer.status_code < 500 and says_why(answer))


BOTH_LANGUAGES = frozenset({"verify.offline"})
"""One file with both languages in it, which asks the browser for the reader's."""


@pytest.mark.parametrize("reader", first_of(READERS), ids=lambda reader: reader.zone)
def test_every_page_speaks_the_readers_language_by_the_readers_clocks(
    estate: Estate, reader: Reader, tmp_path: Path
) -> None:
    """On an appliance that is set to Chinese and Berlin; nobody in the house has that zone."""
    wrong: list[str] = []
    with kept(estate.appliance.database.path, tmp_path), pytest.MonkeyPatch.context() as patch:
        patch.setitem(estate.portal.config, "LANGUAGE_ZONE", DEFAULT_ZONE)
        with estate.appliance.database.transaction() as tx:
            tx.execute("UPDATE people SET language = ?, zone = ?", (reader.language, reader.zone))
        known = written(estate.appliance.database)
        for endpoint, row in GET.items():
            if endpoint in BOTH_LANGUAGES:
                continue
            for visitor in dict.fromkeys((row.keeper, "nobody" if row.let_in == EVERYBODY else row.keeper)):
                client = estate.browser(visitor)
                wanted = {"Accept-Language": f"{reader.language}, *;q=0.1"}
                answer = client.get(address(estate, row), headers=wanted, buffered=True)
                zones = (reader.zone, DEFAULT_ZONE) if visitor == "nobody" else (reader.zone,)
                wrong += [f"{endpoint} ({visitor}): {each}" for each in faults_of(answer, reader, known, zones)]
    assert not wrong, "\n".join(wrong)


def faults_of(answer: TestResponse, reader: Reader, known: str, zones: tuple[str, ...]) -> Iterator[str]:
    if answer.mimetype == "text/html" and answer.status_code < 300:
        yield from faults_of_page(answer.text, reader, known, zones)
        if answer.headers.get("Content-Language") != reader.language.tag:
            yield f"Content-Language {answer.headers.get('Content-Language')}"
    elif answer.mimetype in ("text/calendar", "text/csv"):
        yield from faults_of_words(answer.text.replace("\r\n ", ""), reader, known)


@pytest.mark.parametrize("endpoint", one_in(3, POST))
def test_forms_are_taken_from_those_whom_the_table_names(estate: Estate, endpoint: str, tmp_path: Path) -> None:
    row, before = POST[endpoint], estate.state()
    refused = [one for one in VISITORS if one not in row.let_in]
    for visitor in refused:
        answer = send(estate, row, visitor)
        assert is_turned_away(answer, visitor), (visitor, answer.status_code)
        assert says_why(answer) or answer.status_code == 303
    assert estate.state() == before, refused
    for visitor in (one for one in VISITORS if one in row.let_in):
        with kept(estate.appliance.database.path, tmp_path):
            answer = send(estate, row, visitor)
            assert answer.status_code < 500
            assert not is_turned_away(answer), (visitor, answer.status_code)


@pytest.mark.parametrize("endpoint", one_in(3, POST, start=1))
def test_no_form_is_taken_that_another_site_could_send(estate: Estate, endpoint: str) -> None:
    row, before = POST[endpoint], estate.state()
    for token in (None, "", "0" * 64, "𠮷"):
        data = form(estate, row) | ({} if token is None else {"form_token": token})
        answer = send(estate, row, row.keeper, data, token=False)
        assert (answer.status_code, says_why(answer)) == (403, True), token
    assert estate.state() == before


@pytest.mark.parametrize("endpoint", one_in(5, POST))
def test_what_nobody_types_is_refused_with_a_sentence(estate: Estate, endpoint: str, tmp_path: Path) -> None:
    """The form with nothing in it, and with the same nonsense in each of its fields."""
    row, before = POST[endpoint], estate.state()
    kinds = {"nothing": None, **HOSTILE}
    may_be_taken = kinds.keys() if row.any_words else {HIDDEN}
    with kept(estate.appliance.database.path, tmp_path):
        for kind, value in kinds.items():
            if kind in may_be_taken:
                assert estate.state() == before, f"before {kind}"
            answer = send(estate, row, row.keeper, filled_with(row, value))
            if kind in may_be_taken and answer.status_code < 400:
                before = estate.state()
            else:
                assert 400 <= answer.status_code < 500 and says_why(answer), (kind, answer.status_code)
        assert estate.state() == before


def filled_with(row: Row, value: object) -> dict[str, object]:
    """The form of *row* with *value* in each field; with no field at all for None."""
    return {} if value is None else dict.fromkeys([*row.form, *row.files], value)


@pytest.mark.parametrize("endpoint", one_in(5, (name for name, row in POST.items() if len(row.form) > 1)))
def test_one_field_with_nonsense_never_fails(estate: Estate, endpoint: str, tmp_path: Path) -> None:
    row = POST[endpoint]
    with kept(estate.appliance.database.path, tmp_path):
        for name, kind in product(row.form, ("too long", "digits without end", "a number")):
            answer = send(estate, row, row.keeper, form(estate, row) | {name: HOSTILE[kind]})
            assert answer.status_code < 500, (name, kind)
            assert len(answer.headers.get("Location", "")) < 2000, (name, kind)


def test_a_secret_to_scan_is_a_link_as_well(estate: Estate) -> None:
    """A phone cannot scan its own screen."""
    row = GET["accounts.login_code"]
    page = estate.browser(row.keeper).get(address(estate, row)).text
    [link] = re.findall(r'href="(otpauth://totp/[^"]+)"', page)
    [secret] = parse_qs(urlsplit(html.unescape(link)).query)["secret"]
    assert " ".join(textwrap.wrap(secret, 4)) in page, "the key to enter by hand"


def test_an_object_of_another_owner_is_not_found(estate: Estate, tmp_path: Path) -> None:
    """A route or a form that names two objects and is not in the table of mismatches fails this test."""
    assert to_cover(estate.portal.url_map) <= {endpoint for endpoint, _row in MISMATCHED}
    with kept(estate.appliance.database.path, tmp_path):
        add_seconds(estate)
        before = estate.state()
        for endpoint, row in MISMATCHED:
            named = {name: value.format(**estate.names, once=once()) for name, value in row.form.items()}
            path = address(estate, row)
            if endpoint in POST:
                answer = send(estate, row, row.keeper, named)
            else:
                answer = estate.browser(row.keeper).get(path, buffered=True)
            expected = (303, 409, 422) if endpoint in AT_THE_FORM else (404,)
            assert answer.status_code in expected, (path, named)
            assert estate.state() == before, (path, named)
