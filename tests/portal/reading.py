"""What a page, a letter or a report says to one reader: is it all in the reader's language and by the reader's
clocks? Pages are read as text, as a browser shows them, without a browser."""

from __future__ import annotations

import html
import io
import re
import zipfile
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from html.parser import HTMLParser
from zoneinfo import ZoneInfo

import pypdfium2

from appliance.language import Language
from appliance.store.database import Database
from appliance.writing import samples

SILENT = frozenset({"script", "style", "code", "textarea"})
"""Elements that hold no words of the page's: programs, commands and digests, what people type."""

SPOKEN = ("aria-label", "placeholder", "title", "alt")
HAN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]+")
ENGLISH = re.compile(r"(?:[A-Za-z][a-z'’]+[ ,]+){3}[A-Za-z][a-z]+")
"""Four English words in a row."""

EXAMPLES = ("中文", "印", "壹佰万元整", "示例")
"""What stands in Chinese on English pages too: the name of the language, a seal's sign, what a field takes."""

SHOWN = re.compile(
    r"(\d{4}-\d\d-\d\d \d\d:\d\d(?::\d\d)?) UTC([+-]\d\d:\d\d)?(?: ?[(（]?([A-Z][A-Za-z]+/[A-Za-z_/]+)[)）]?)?"
)
"""An instant: local time, offset (none for UTC itself), the zone's name where it stands beside it."""

BARE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d(?::\d\d)?+(?! UTC)")


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads, in which language and zone (IANA)."""

    language: Language
    zone: str


READERS = (
    Reader(Language.CHINESE, "Asia/Shanghai"),
    Reader(Language.ENGLISH, "America/New_York"),
    Reader(Language.ENGLISH, "Asia/Kolkata"),
)


@dataclass(slots=True)
class _Page(HTMLParser):
    """``said`` is the text in the page's own language, ``times`` what ``<time>`` says and shows."""

    language: str = ""
    said: list[str] = field(default_factory=list)
    times: list[tuple[str, str]] = field(default_factory=list)
    _silent: list[str] = field(default_factory=list)
    _time: str | None = None

    def __post_init__(self) -> None:
        HTMLParser.__init__(self)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        has = dict(attrs)
        if tag == "html":
            self.language = has.get("lang") or ""
        foreign = tag != "html" and has.get("lang") not in (None, self.language)
        if self._silent or tag in SILENT or foreign:
            if tag not in ("input", "img", "br", "meta", "link", "hr", "option", "path", "wbr"):
                self._silent.append(tag)
            return
        self.said += [has[name] or "" for name in SPOKEN if has.get(name)]
        if tag == "time":
            self._time = has.get("datetime")

    def handle_endtag(self, tag: str) -> None:
        if self._silent and self._silent[-1] == tag:
            self._silent.pop()
        if tag == "time":
            self._time = None

    def handle_data(self, data: str) -> None:
        if self._silent:
            return
        if self._time:
            self.times.append((self._time, data.strip()))
        else:
            self.said.append(data)


def written(database: Database) -> str:
    """All that people have written or that was made of it, and the titles of samples: it may stand on any page."""
    texts: list[str] = []
    with database.reading() as tx:
        tables = [row[0] for row in tx.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for name in tables:
            for row in tx.execute(f'SELECT * FROM "{name}"'):  # noqa: S608 -- names of the schema
                texts += [each if isinstance(each, str) else _decoded(each) for each in row]
    return "\n".join([*texts, *(each.title for each in samples())])


def _decoded(value: object) -> str:
    try:
        return value.decode() if isinstance(value, bytes) and value[:1] in (b"{", b"[") else ""
    except UnicodeDecodeError:
        return ""


def faults_of_page(text: str, reader: Reader, known: str, zones: Collection[str]) -> Iterator[str]:
    """What is wrong with the HTML *text* for *reader*; *known* is what people have written, *zones* by whose
    clocks instants may be shown: the reader's, and the house's for who is not known yet."""
    page = _Page()
    page.feed(text)
    if page.language not in (reader.language.tag, reader.language.value):
        yield f"lang={page.language}"
    said = "\n".join(page.said)
    yield from faults_of_words(said, reader, known)
    yield from faults_of_times("\n".join([said, *(shown for _, shown in page.times)]), zones)
    for stated, shown in page.times:
        yield from _wrong_time(stated, shown, zones)
    if 'class="soft small zone"' not in text and (left := BARE.findall(said)):
        yield f"times without a zone: {left[:3]}"


def faults_of_words(said: str, reader: Reader, known: str) -> Iterator[str]:
    """Sentences of the other language in *said*."""
    said = html.unescape(said)
    if reader.language is Language.CHINESE:
        yield from (f"English: {each}" for each in ENGLISH.findall(said) if each not in known)
        return
    for each in sorted(set(HAN.findall(said))):
        if each not in known and each not in EXAMPLES:
            yield f"Chinese: {each}"


def faults_of_times(said: str, zones: Collection[str]) -> Iterator[str]:
    """Instants whose offset is not that of the zone beside them, or of one of *zones* where none is named."""
    for local, offset, named in SHOWN.findall(html.unescape(said)):
        if not offset:
            continue
        if not any(offset in _offsets(local, zone) for zone in ([named] if named else zones)):
            yield f"{local} UTC{offset} {named or zones}"


def _wrong_time(stated: str, shown: str, zones: Collection[str]) -> Iterator[str]:
    """A ``<time>`` that does not show the instant that it states."""
    at, local = datetime.fromisoformat(stated), re.search(r"\d{4}-\d\d-\d\d \d\d:\d\d", shown)
    if local is not None and local[0] not in {f"{at.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}" for zone in zones}:
        yield f"{stated} is shown as {shown}"


def _offsets(local: str, zone: str) -> set[str]:
    """What *zone* is away from UTC when its clocks show *local*; two where they are put back over it."""
    at = datetime.fromisoformat(local)
    found = {at.replace(tzinfo=ZoneInfo(zone), fold=fold).utcoffset() or timedelta() for fold in (0, 1)}
    return {_written(each) for each in found}


def _written(ahead: timedelta) -> str:
    minutes = int(abs(ahead).total_seconds()) // 60
    return f"{'-' if ahead < timedelta() else '+'}{minutes // 60:02}:{minutes % 60:02}"


@cache
def words_in(content: bytes) -> str:
    """All text in *content*, an archive's files and a document's pages too."""
    if content.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return "\n".join(words_in(archive.read(name)) for name in archive.namelist())
    if content.startswith(b"%PDF-"):
        with pypdfium2.PdfDocument(content) as document:
            return "\n".join(page.get_textpage().get_text_bounded() for page in document).replace("\r\n", "")
    return content.decode("utf-8", "replace")
