"""Fonts in a document that comes in: which text could look different on another machine, or later on.

A font that is in the file is fixed by the signature. One that is not is taken from the machine: the standard ones
look the same everywhere, near enough, the usual ones of office software nearly so; any other name shows whatever
somebody installs under it.
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Any

from pyhanko.pdf_utils.generic import DictionaryObject

from appliance.errors import DocumentRefused
from appliance.pdf.reader import entry

_EMBEDDED = ("/FontFile", "/FontFile2", "/FontFile3")
_SUBSET = re.compile(r"[A-Z]{6}\+")
# the standard fonts (ISO 32000-1, 9.6.2.2) and those that Acrobat puts into forms; office software and operating
# systems; Chinese, Japanese and Korean ones by their names in files
_USUAL = (
    "courier", "helvetica", "times", "symbol", "zapfdingbats", "myriad", "minion", "adobesans",
    "adobeserif", "arial", "calibri", "cambria", "candara", "century", "comic", "consolas",
    "constantia", "corbel", "dejavu", "dingbats", "franklin", "garamond", "georgia", "gothic",
    "impact", "lato", "liberation", "lucida", "nimbus", "noto", "opensans", "opensymbol",
    "palatino", "roboto", "segoe", "sourcehan", "sourcesans", "tahoma", "trebuchet", "ubuntu",
    "verdana", "webdings", "wingdings", "carlito", "caladea", "freesans", "freeserif", "freemono",
    "bookman", "bookantiqua", "newcentury", "avantgarde", "menlo", "monaco", "optima", "futura",
    "simsun", "nsimsun", "simhei", "simkai", "simfang", "kaiti", "fangsong", "microsoftyahei",
    "msyahei", "yahei", "dengxian", "stsong", "stkaiti", "stheiti", "stfangsong", "stxihei",
    "stzhongsong", "songti", "heiti", "pingfang", "lisu", "youyuan", "adobesong", "adobeheiti",
    "adobekaiti", "adobefangsong", "msung", "mhei", "mingliu", "pmingliu", "microsoftjhenghei",
    "msgothic", "msmincho", "heisei", "kozmin", "kozgo", "hygothic", "hysmyeongjo", "batang",
    "gulim", "dotum", "malgun", "yugothic", "yumincho", "meiryo", "hiragino", "applesd",
    "wenquanyi", "droidsans", "fzsong", "fzhei", "fzkai", "fzxiaobiaosong", "fzfangsong", "宋体",
    "黑体", "楷体", "仿宋", "微软雅黑", "等线",
)  # fmt: skip


def not_embedded(dictionary: Any) -> str | None:
    """The name of the font that *dictionary* is when it is not in the file, None for anything else.

    Raises DocumentRefused for one that nobody can be expected to have.
    """
    subtype = _name(dictionary, "/Subtype")
    if _name(dictionary, "/Type") != "/Font" or subtype in ("/Type0", "/Type3"):
        return None
    descriptor = entry(dictionary, "/FontDescriptor")
    if isinstance(descriptor, DictionaryObject) and any(key in descriptor for key in _EMBEDDED):
        return None
    name = _name(dictionary, "/BaseFont").lstrip("/") or "?"
    if _SUBSET.match(name) or not _is_usual(name):
        raise DocumentRefused(
            "unknown-font",
            "The font {font} is neither in the document nor one that every machine has, so the text could look "
            "different elsewhere; embed the fonts, or print it to a new PDF first.",
            font=name,
        )
    return name


def _is_usual(name: str) -> bool:
    """By the beginning of the name, whatever weight and width follow; old files have Chinese names in GBK."""
    with suppress(UnicodeError):
        name = name if name.isascii() else name.encode("latin-1").decode("gbk")
    plain = re.sub(r"[\s,_-]", "", name).lower()
    return plain.startswith(_USUAL)


def _name(dictionary: Any, key: str) -> str:
    value = entry(dictionary, key, "")
    return value if isinstance(value, str) else ""
