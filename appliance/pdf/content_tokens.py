"""The words of content streams (ISO 32000-2, 7.2, 7.3, 8.2): regular expressions for operators with operands, as
every program reads them, many at once.

Nothing within a repetition that never gives back (``*+``) is captured: Python's captures are wrong there.
"""

from __future__ import annotations

import re

_E = rb"(?![^\x00\t\n\x0c\r ()<>\[\]{}/%])"
_S = rb"(?:[\x00\t\n\x0c\r ]++|%[^\r\n]*+[\r\n])*+"
_NUMBER = rb"[+-]?(?:\d{1,9}+(?:\.\d{0,40}+)?|\.\d{1,40}+)" + _E
_HEX = rb"<[0-9A-Fa-f\x00\t\n\x0c\r ]*+>"
_NAME = rb"/(?:[!\"$&'*+,.0-9:;=?@A-Z\\^_`a-z|~-]|#(?!00)[0-9A-Fa-f]{2}|[\x81-\xfe]){0,127}+" + _E
"""PDFium takes the bytes 80 and FF for blanks."""


def _string(depth: int) -> bytes:
    """A string with parentheses in it, so deep; no octal number beyond a byte."""
    inner = rb"|" + _string(depth - 1) if depth else b""
    return rb"\((?:[^()\\]++|\\(?![4-7][0-7][0-7])[\x00-\xff]" + inner + rb")*+\)"


_STRING = _string(6)


def _value(depth: int) -> bytes:
    plain = [_NUMBER, _STRING, _HEX, _NAME, rb"(?:true|false|null)" + _E]
    if depth:
        each = _value(depth - 1) + _S
        plain += [rb"\[" + _S + rb"(?:" + each + rb")*+\]"]
        plain += [rb"<<" + _S + rb"(?:" + _NAME + _S + each + rb")*+>>"]
    return rb"(?:" + rb"|".join(plain) + rb")"


def _ops(*names: str) -> bytes:
    return rb"(?:" + rb"|".join(re.escape(each.encode()) for each in names) + rb")" + _E + _S


_n = _NUMBER + _S
_text = rb"(?:" + _STRING + rb"|" + _HEX + rb")" + _S
_dash = rb"(?=[1-9])" + _n
_pairs = rb"(?:" + _dash + rb"(?=\])|(?:" + _dash + _dash + rb"){0,16}+)"
_dashes = rb"\[" + _S + _pairs + rb"\]" + _S + rb"(?=0(?!\d))" + _n + _ops("d")
_spaced = rb"\[" + _S + rb"(?:" + _n + rb"|" + _text + rb")*+\]" + _S + _ops("TJ")
_states = _ops("M", "i", "Tc", "Tw", "Tz", "TL", "Ts")
_few = rb"[012]" + _E + _S + _ops("j") + rb"|[0-3]" + _E + _S + _ops("Tr") + rb"|(?!-)" + _n + _ops("w")
_curves = rb"(?:" + _ops("v", "y", "re") + rb"|" + _n + _n + _ops("c") + rb")"
_lines = _n + rb"(?:" + _ops("l", "m") + rb"|" + _n + _n + _curves + rb")"
_painted = rb"(?:" + _n + _lines + rb"|" + _ops("h") + rb")*+(?:" + _ops("W", "W*") + rb")?+"
_paint = _ops("n", "f", "f*", "S", "s", "B", "B*", "b", "b*", "F")
_path = _painted + _paint


def _many(two: bytes, four: bytes, six: bytes, rest: bytes) -> re.Pattern[bytes]:
    """Any number of operators: those after two numbers, after four, after six, and without one before them."""
    beyond = rb"|" + _n + _n + (four or _n + _n + six)
    return re.compile(rb"%b(?:%b(?:%b|%b(?:%b%b))|%b|%b)*+" % (_S, _n, _states, _n, two, beyond, _few, rest))


MANY_ON_PAGE = _many(_ops("m") + _path, _ops("re") + _path, b"", _dashes + rb"|" + _paint)
"""Outside of text: states and whole paths, also empty ones, which no program draws. No colours, for
nothing here tells which was the last."""
_within = _states + rb"|" + _lines
PATH_BEGUN = re.compile(_n + _n + rb"(?:" + _ops("m") + rb"|" + _n + _n + _ops("re") + rb")")
MANY_IN_PATH = re.compile(
    _S
    + rb"(?:"
    + _n
    + rb"(?:"
    + _states
    + rb"|"
    + _lines
    + rb")|"
    + _ops("h", "W", "W*")
    + rb"|"
    + _few
    + rb"|"
    + _dashes
    + rb")*+"
)
"""In a path that other operators interrupt: no matrix, for programs apply it to different parts of the path."""
_quoted = rb"|" + _text + _ops('"')
_shown = rb"|" + _text + _ops("Tj", "'") + rb"|" + _spaced
MANY_IN_TEXT = _many(_ops("Td", "TD") + _quoted, b"", _ops("Tm"), _dashes + rb"|" + _ops("T*") + _shown)
MANY_WITHOUT_FONT = _many(_ops("Td", "TD"), b"", _ops("Tm"), _dashes + rb"|" + _ops("T*"))
"""In text, before any font is chosen: nothing can be shown."""

_VALUE = _value(3)
NEXT = re.compile(rb"((?:" + _VALUE + _S + rb")*+)([^\x00\t\n\x0c\r ()<>\[\]{}/%]{1,16}+)" + _E)
"""Operands and one operator."""
PLAIN_WORD = re.compile(rb"[A-Za-z][0-9A-Za-z*'\"]*+")
"""An operator that no program takes for two: to PDFium the bytes 80 and FF are blanks."""
OPERAND = re.compile(
    rb"(?P<n>" + _NUMBER + rb")|(?P<s>" + _STRING + rb"|" + _HEX + rb")|(?P<N>" + _NAME + rb")"
    rb"|(?P<a>\[" + _S + rb"(?:" + _VALUE + _S + rb")*+\])|(?P<d><<" + _S + rb"(?:" + _VALUE + _S + rb")*+>>)"
    rb"|(?P<b>" + _VALUE + rb")"
)  # fmt: skip
SPACE = re.compile(_S)
STRINGS = re.compile(_STRING + rb"?+|" + _HEX + rb"|%[^\r\n]*+[\r\n]")
"""Strings with or without their end, so that what was searched for one is not searched again, and comments."""
TOKENS = re.compile(
    _S
    + rb"(?:(?:"
    + _STRING
    + rb"|"
    + _HEX
    + rb"|<<|>>|[\[\]]|/?[^\x00\t\n\x0c\r ()<>\[\]{}/%]++|/)"
    + _S
    + rb")*+"
)
NAME = re.compile(_NAME)
IMAGE_ENTRY = re.compile(rb"(" + _NAME + rb")" + _S + rb"(" + _VALUE + rb")" + _S)
IMAGE_DATA = re.compile(rb"ID[\x00\t\n\x0c\r ]")
IMAGE_END = re.compile(rb"[\x00\t\n\x0c\r ]EI(?=[\x00\t\n\x0c\r ])")
_AROUND = rb"[\x00\t\n\x0c\r \x80\xff()<>\[\]{}/%]"
ANY_IMAGE_END = re.compile(_AROUND + rb"EI" + _AROUND)
"""What some program might take for the end of a picture."""
