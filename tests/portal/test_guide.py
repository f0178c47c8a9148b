"""The user guide: there for everybody in both languages, in the pages' words; links lead somewhere."""

from __future__ import annotations

import io
import re
from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image

from appliance.config import ContactSettings
from appliance.language import Language, chinese_messages
from appliance.signing_methods import METHOD_TITLES
from scripts.screenshots.guide import CUTS
from tests.language.sentences import in_templates
from tests.portal.conftest import portal_of
from tests.portal.estate import Estate
from tests.world import with_parts
from webui.portal.guide import CHAPTERS, FOLDER, PICTURES

LARGEST = 60 * 1024
"""Bytes of one picture."""

QUOTED = re.compile(r"\*\*([^*]+)\*\*")
LINKED = re.compile(r"\]\((/[^)\s]*)\)")
SHOWN = re.compile(r"!\[([^\]]+)\]\(([a-z-]+)(?: \"tall\")?\)")
CONTACT = ContactSettings("法务部 <示例>", "+86 10 5555 0100", "help@alpha.example")


def text(language: Language, name: str) -> str:
    return (FOLDER / language / f"{name}.md").read_text(encoding="utf-8")


def quoted(language: Language, name: str) -> set[str]:
    return set(QUOTED.findall(text(language, name)))


def headings(language: Language, name: str) -> int:
    return len(re.findall("^## ", text(language, name), re.MULTILINE))


def test_each_language_has_exactly_the_chapters() -> None:
    for language in Language:
        assert {file.stem for file in (FOLDER / language).iterdir()} == set(CHAPTERS)


@pytest.mark.parametrize("name", CHAPTERS)
def test_both_languages_quote_the_same_names_and_pages_have_them(name: str) -> None:
    on_pages = {message for _, message in in_templates()} | set(METHOD_TITLES.values())
    english, chinese = (quoted(language, name) for language in (Language.ENGLISH, Language.CHINESE))
    assert len(english) > 5
    assert english <= on_pages
    assert {chinese_messages()[message] for message in english} == chinese


@pytest.mark.parametrize("name", CHAPTERS)
def test_both_languages_have_the_same_sections_and_pictures(name: str) -> None:
    of_language = [[file for _, file in SHOWN.findall(text(language, name))] for language in Language]
    assert of_language[0] == of_language[1]
    assert headings(Language.CHINESE, name) == headings(Language.ENGLISH, name) > 1
    assert text(Language.CHINESE, name).count("](") == text(Language.ENGLISH, name).count("](")


def test_every_picture_is_small_and_used_and_taken_by_the_script() -> None:
    used = {file for language in Language for name in CHAPTERS for _, file in SHOWN.findall(text(language, name))}
    assert {cut.screen.name for cut in CUTS} == used
    assert {file.name for file in PICTURES.iterdir()} == {
        f"{name}.{tongue}.webp" for name in used for tongue in Language
    }
    assert not [file.name for file in PICTURES.iterdir() if file.stat().st_size > LARGEST]


@pytest.mark.parametrize("kind", ["nobody", "guest", "initiator", "representative"])
def test_everybody_reads_every_chapter_in_both_languages(estate: Estate, kind: str) -> None:
    browser = estate.browser(kind)
    before = browser.get("/guide").headers["Content-Language"]
    for tongue, other in (("zh", "zh-CN"), ("en", "en")):
        switched(browser, tongue)
        contents = browser.get("/guide")
        assert contents.headers["Content-Language"] == other
        for name in CHAPTERS:
            page = browser.get(f"/guide/{name}")
            title = text(Language(tongue), name).partition("\n")[0].removeprefix("# ")
            assert page.status_code == 200
            assert f"<h1>{title}</h1>" in page.text
            assert f'href="/guide/{name}"' in contents.text
            assert "**" not in page.text
    switched(browser, "zh" if before == "zh-CN" else "en")


def switched(browser: FlaskClient, tongue: str) -> None:
    token = re.search(r'name="form_token" value="([0-9a-f]+)"', browser.get("/guide").text)
    assert token is not None
    assert browser.post(f"/language/{tongue}", data={"form_token": token[1], "back": "/"}).status_code == 303


def test_pictures_load_and_are_kept(browser: FlaskClient) -> None:
    page = browser.get("/guide/sign").text
    pictures = re.findall(r'<img src="([^"]+)" width="(\d+)" height="(\d+)" loading="lazy" alt="([^"]+)">', page)
    assert len(pictures) == len(SHOWN.findall(text(Language.CHINESE, "sign")))
    for address, width, height, words in pictures:
        answer = browser.get(address)
        assert (answer.status_code, answer.mimetype) == (200, "image/webp")
        assert "immutable" in answer.headers["Cache-Control"]
        with Image.open(io.BytesIO(answer.data)) as picture:
            assert picture.size == (int(width), int(height))
        assert words
    assert browser.get(pictures[0][0].partition("?")[0]).headers["Cache-Control"] == "public, no-cache"
    assert browser.get("/guide/pictures/none.webp").status_code == 404
    assert browser.get("/guide/pictures/../zh/sign.webp").status_code == 404
    assert browser.get("/guide/none").status_code == 404


def test_every_link_leads_to_a_page(portal: Flask, browser: FlaskClient) -> None:
    routes = portal.url_map.bind("localhost")
    for language in Language:
        for name in CHAPTERS:
            for address in LINKED.findall(text(language, name)):
                path, _, section = address.partition("#")
                endpoint, values = routes.match(path, method="GET")
                if endpoint == "guide.page":
                    assert values["name"] in CHAPTERS
                    assert int(section.removeprefix("s") or 1) <= headings(language, values["name"])
    for name in CHAPTERS:
        page = browser.get(f"/guide/{name}").text
        for section in re.findall(r'href="#(s\d+)"', page):
            assert f'<h2 id="{section}">' in page


@pytest.mark.parametrize("path", ["/", "/verify", "/login", "/guest/{guest_link}", "/nothing-here"])
def test_every_page_leads_to_the_guide(estate: Estate, path: str) -> None:
    page = estate.browser("nobody").get(path.format(**estate.names)).text
    assert 'href="/guide"' in page
    assert ('href="/guide/counterparty"' in page) == path.startswith("/guest")


def test_the_contact_is_on_the_guide_and_where_something_is_refused(estate: Estate) -> None:
    appliance = estate.appliance
    with_contact = with_parts(appliance, settings=replace(appliance.settings, contact=CONTACT))
    browser = portal_of(with_contact, appliance.authority).test_client()
    browser.environ_base["HTTP_ACCEPT"] = "text/html"
    for path in ("/guide", "/guide/trouble", "/nothing-here"):
        page = browser.get(path).text
        assert "法务部 &lt;示例&gt;" in page
        assert 'href="tel:+861055550100"' in page
        assert 'href="mailto:help@alpha.example"' in page
        assert "请联系发来合同的人" in estate.browser("nobody").get(path).text
