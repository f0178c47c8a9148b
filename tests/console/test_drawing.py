"""Charts, runbook pages and commands in sentences: values in, shapes and words out."""

from __future__ import annotations

import re

import pytest

from webui.console import charts
from webui.console.requests import coded
from webui.shared.headers import VisitorAddress
from webui.shared.markdown import render_markdown


@pytest.mark.parametrize(
    ("values", "marks"),
    [
        ([], (4, 2, 0)),
        ([None, None], (4, 2, 0)),
        ([0.0, 3.0, 7.0], (10, 5, 0)),
        ([1234.0], (2000, 1000, 0)),
        ([0.1, -0.2], (0.2, 0, -0.2)),
        ([-3.0, -1.0], (0, -2, -4)),
    ],
)
def test_a_scale_has_round_numbers_and_holds_everything(
    values: list[float | None], marks: tuple[float, ...]
) -> None:
    scale = charts.scale_of(values, least=0.0 if min([value or 0.0 for value in values], default=0.0) < 0 else 4.0)
    assert scale.marks == pytest.approx(marks)
    assert all(scale.low <= value <= scale.high for value in values if value is not None)


def test_a_line_is_broken_where_nothing_is_known() -> None:
    scale = charts.scale_of([1.0, 2.0])
    assert charts.line([1.0, 2.0, None, 1.0], scale).count("M") == 2
    assert charts.area([1.0, 2.0, None, 1.0], scale).count("z") == 2


def test_bars_stay_inside_and_nought_has_none() -> None:
    values = [float(number % 5) for number in range(60)]
    path = charts.bars(values, charts.scale_of(values))
    assert path.count("M") == 48
    ends = [float(x) + float(w) for x, w in re.findall(r"M([\d.]+) \d+V[\d.]+h([\d.]+)", path)]
    assert max(ends) <= charts.WIDTH


def test_runbook_pages_are_words_not_markup() -> None:
    text = (
        "# Title\n\nSee `chronyc` and [this](x.md).\n\n- one\n  more\n- **two**\n"
        "\n```sh\nrm -r <x>\n```\n1. first\n\n## Then\n"
    )
    title, content = render_markdown(text, links=True)
    assert title == "Title"
    assert content.split("\n") == [
        "<p>See <code>chronyc</code> and this.</p>",
        "<ul>",
        "<li>one",
        "more</li>",
        "<li><strong>two</strong></li>",
        "</ul>",
        '<pre class="commands" tabindex="0"><code>rm -r &lt;x&gt;</code></pre>',
        "<ol>",
        "<li>first</li>",
        "</ol>",
        "<h2>Then</h2>",
        "",
    ]


def test_a_text_to_agree_to_hides_no_address() -> None:
    text = "# T\n\nSee [our terms](https://acme.example/terms).\n"
    assert render_markdown(text)[1] == "<p>See [our terms](https://acme.example/terms).</p>\n"


def test_a_wrapped_line_gets_a_blank_between_latin_letters_alone() -> None:
    assert render_markdown("# 页\n\n1. 文字\n换行\nend\nof\n")[1] == "<ol>\n<li>文字换行\nend\nof</li>\n</ol>\n"


def test_bold_words_end_after_chinese_punctuation() -> None:
    assert render_markdown("# 页\n\n**含义。**唯一\n")[1] == "<p><strong>含义。</strong>唯一</p>\n"


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        "a <b>bold</b> word",
        "<!-- comment -->",
        "**<i>x</i>**",
        "`<i>x</i>`",
        "[<i>x</i>](javascript:alert)",
        "![<i>x</i>](x.png)",
        "<javascript:alert(1)>",
        "- <i>x</i>",
        "## <i>x</i>",
    ],
)
@pytest.mark.parametrize("links", [False, True])
def test_no_raw_html_passes_through(hostile: str, links: bool) -> None:
    title, content = render_markdown(f"# Title\n\n{hostile}\n", links=links)
    assert title == "Title"
    elements = re.sub(r"</?(p|strong|code|ul|li|h2)>", "", content)
    assert "<" not in elements and "href" not in elements.replace("&lt;", "")


def test_commands_in_sentences_are_set_as_such_and_nothing_is_markup() -> None:
    assert coded("Run `a <b>`, then <i>.") == "Run <code>a &lt;b&gt;</code>, then &lt;i&gt;."
    assert coded("One ` alone") == "One ` alone"


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("192.0.2.1", "198.51.100.9", "192.0.2.1"),
        ("", "203.0.113.5, 198.51.100.9", "198.51.100.9"),
        ("", "nonsense", ""),
        ("/run/console.sock", "2001:db8::1", "2001:db8::1"),
    ],
)
def test_only_the_web_front_is_believed(peer: str, forwarded: str, address: str) -> None:
    seen: dict[str, str] = {}
    front = VisitorAddress(lambda environ, _start: seen.update(environ) or [])  # type: ignore[arg-type,func-returns-value]
    front({"REMOTE_ADDR": peer, "HTTP_X_FORWARDED_FOR": forwarded}, lambda *_: None)  # type: ignore[arg-type,return-value]
    assert seen["REMOTE_ADDR"] == address
