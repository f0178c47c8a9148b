"""The readable page: in the portal's look, in both languages, with nothing from elsewhere and nobody's name."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from lxml import html

from appliance.language import chinese_areas, chinese_messages
from webui.api import openapi
from webui.api.operations import OPERATIONS
from webui.shared.programs import TITLES

PAGE = "/api/v1/docs"
WORD = re.compile(r"[a-z]{3}")
HAN = re.compile(r"[\u4e00-\u9fff]")
SENTENCE = re.compile(r"(?:[A-Za-z,;:.'-]+ ){3}[a-z]+")
NAMES = {"OpenAPI 3.1", "Webhook"}
"""What is called so in Chinese, too, and may stand alone."""


@pytest.mark.parametrize(("language", "words"), [("en", "Codes of errors"), ("zh-CN", "错误代码")])
def test_the_page_describes_every_operation_and_code(portal: Flask, language: str, words: str) -> None:
    answer = portal.test_client().get(PAGE, headers={"Accept-Language": language, "Accept": "text/html"})
    assert answer.status_code == 200 and answer.mimetype == "text/html"
    page = html.fromstring(answer.text)
    assert words in page.text_content()
    for each in OPERATIONS:
        [heading] = page.xpath(f"//h3[@id='{each.name}']")
        assert heading.text_content() == f"{each.method} {openapi.PREFIX}{each.path}"
        said = page.xpath(f"//section[@aria-labelledby='{each.name}']/p/b")[0].text_content()
        assert said == (each.summary if language == "en" else chinese_messages()[each.summary])
    assert all(each.text_content().strip() for each in page.xpath("//a | //h2"))
    codes = {code for each in OPERATIONS for code in openapi.codes_of(each)}
    assert codes <= {each.get("id") for each in page.xpath("//li[@id]")}
    assert set(codes) <= TITLES.keys()


def test_a_chinese_reader_finds_no_description_in_english(portal: Flask) -> None:
    """Whatever stands on the page, but code and examples: each piece of text with words has Chinese in it."""
    page = html.fromstring(portal.test_client().get(PAGE, headers={"Accept-Language": "zh"}).text)
    shown = page.xpath("(//header | //main)//text()[not(ancestor::code or ancestor::pre or ancestor::a[@lang])]")
    pieces = [each.strip() for each in shown]
    assert len(pieces) > 500
    english = {
        each
        for each in pieces
        if each not in NAMES and ((WORD.search(each) and not HAN.search(each)) or SENTENCE.search(each))
    }
    assert not english


def test_every_translated_description_has_the_names_of_the_english_one() -> None:
    """What stands between backticks is sent and received as it is, in either language."""
    code = re.compile(r"`([^`]+)`")
    for english, chinese in chinese_areas()["api_descriptions.po"].items():
        assert set(code.findall(english)) <= set(code.findall(chinese)), english
        assert all(name in english for name in code.findall(chinese)), english


@pytest.mark.parametrize(("asked", "other", "name"), [("en", "zh", "中文"), ("zh", "en", "English")])
def test_it_leads_to_itself_in_the_other_language(portal: Flask, asked: str, other: str, name: str) -> None:
    client = portal.test_client()
    page = html.fromstring(client.get(PAGE, headers={"Accept-Language": asked}).text)
    [switch] = page.xpath("//header//a[@hreflang]")
    assert switch.text_content() == name
    answer = client.get(switch.get("href"), headers={"Accept-Language": asked})
    assert answer.headers["Content-Language"].startswith(other) and "Set-Cookie" not in answer.headers
    assert html.fromstring(answer.text).get("lang").startswith(other)


def test_its_links_lead_somewhere_and_nothing_is_from_elsewhere(portal: Flask) -> None:
    client = portal.test_client()
    page = html.fromstring(client.get(PAGE).text)
    targets = {each.get("id") for each in page.xpath("//*[@id]")}
    for address in page.xpath("//@href | //@src"):
        assert address.startswith(("/", "#")), address
        if address.startswith("#"):
            assert address[1:] in targets, address
        else:
            assert client.get(address, follow_redirects=True).status_code == 200, address
    assert not re.search(r"<script|style=", client.get(PAGE).text)


def test_the_document_is_for_everybody_and_is_not_sent_twice(portal: Flask) -> None:
    client = portal.test_client()
    answer = client.get("/api/v1/openapi.json")
    assert answer.mimetype == "application/json" and answer.json["openapi"].startswith("3.1")
    again = client.get("/api/v1/openapi.json", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304 and not again.data
