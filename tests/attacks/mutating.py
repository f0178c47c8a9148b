"""Mutations of signed PDFs: of bytes, of the file's structure, of the signed messages in it, of its revisions."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from random import Random

from hsm import der
from hsm.errors import AuthorityError
from tests.attacks.victims import ranges
from tests.attacks.writing import OTHER_TEXT, RED_BOX, root_of, startxref, stream, written

_TOKENS = (
    b"null", b"true", b"0", b"-1", b"1", b"99999999999", b"0.5", b"[]", b"<<>>", b"()", b"<00>", b"/X", b"4 0 R",
    b"1 0 R", b"99 0 R", b"<<", b">>", b"[", b"]", b"endobj", b"obj", b"stream", b"endstream", b"xref", b"trailer",
    b"startxref", b"%%EOF", b"%", b"(", b")", b"/ByteRange", b"/Contents", b"/V", b"/Kids", b"/Prev", b"/Length",
)  # fmt: skip
_NAMES = (
    b"/Pages", b"/Page", b"/Kids", b"/Parent", b"/Contents", b"/Resources", b"/Annots", b"/AcroForm", b"/Fields",
    b"/V", b"/AP", b"/AS", b"/F", b"/Rect", b"/FT", b"/T", b"/Sig", b"/Tx", b"/Type", b"/Subtype", b"/Widget",
    b"/DSS", b"/Certs", b"/CRLs", b"/VRI", b"/ByteRange", b"/SubFilter", b"/Filter", b"/Reference", b"/Length",
    b"/MediaBox", b"/CropBox", b"/Rotate", b"/Font", b"/OCProperties", b"/OpenAction", b"/Metadata", b"/X",
)  # fmt: skip
_ODD_ENTRIES = (b"", b"/Encrypt 9 0 R", b"/XRefStm 9", b"/Info 1 0 R", b"/ID[()()]", b"/Prev 9", b"/X null")
_OBJECT = re.compile(rb"(?<!\d)(\d+) 0 obj\s*((?:(?!endobj).)*?)\s*endobj", re.DOTALL)
_ENTRY = re.compile(rb"/[A-Za-z]+ ?(?:\d+ 0 R|\([^)]*\)|/[A-Za-z]+|\[[^]]*\])")
Mutation = Callable[[Random, "Seed"], bytes]


@dataclass(frozen=True)
class Seed:
    """A good file to start from, and where parts of other good files come from."""

    document: bytes
    others: tuple[bytes, ...]


def mutated(random: Random, seed: Seed) -> tuple[str, bytes]:
    """A mutant with the name of what was done to it; most are mutated once, some two or three times."""
    name, mutation = random.choice(tuple(_MUTATIONS.items()))
    document = mutation(random, seed)
    while random.random() < 0.2:
        further, mutation = random.choice(tuple(_MUTATIONS.items()))
        name, document = f"{name}, {further}", mutation(random, Seed(document, seed.others))
    return name, document


def _span(random: Random, document: bytes, longest: int = 64) -> tuple[int, int]:
    start = random.randrange(max(len(document), 1))
    return start, min(len(document), start + random.randint(1, longest))


def flip(random: Random, seed: Seed) -> bytes:
    altered = bytearray(seed.document or b"x")
    for _ in range(random.randint(1, 3)):
        altered[random.randrange(len(altered))] ^= 1 << random.randrange(8)
    return bytes(altered)


def delete(random: Random, seed: Seed) -> bytes:
    start, end = _span(random, seed.document)
    return seed.document[:start] + seed.document[end:]


def insert(random: Random, seed: Seed) -> bytes:
    start, end = _span(random, seed.document)
    what = random.choice((random.randbytes(end - start), random.choice(_TOKENS), seed.document[start:end]))
    place = random.randrange(len(seed.document) + 1)
    return seed.document[:place] + what + seed.document[place:]


def overwrite(random: Random, seed: Seed) -> bytes:
    token = random.choice(_TOKENS)
    place = random.randrange(max(1, len(seed.document) - len(token)))
    return seed.document[:place] + token + seed.document[place + len(token) :]


def exchange(random: Random, seed: Seed) -> bytes:
    (a, b), (c, d) = sorted((_span(random, seed.document), _span(random, seed.document)))
    c, d = max(b, c), max(b, d)
    text = seed.document
    return text[:a] + text[c:d] + text[b:c] + text[a:b] + text[d:]


def truncate(random: Random, seed: Seed) -> bytes:
    return seed.document[: random.randrange(len(seed.document) + 1)]


def append(random: Random, seed: Seed) -> bytes:
    return seed.document + random.choice(
        (random.choice(_TOKENS), random.randbytes(8), b"\n", seed.document[-200:])
    )


def number(random: Random, seed: Seed) -> bytes:
    """One number in the file becomes another one, of the same length where that is possible."""
    found = list(re.finditer(rb"(?<![0-9A-Fa-f<.])\d{1,10}(?![0-9A-Fa-f.])", seed.document))
    if not found:
        return seed.document
    match = random.choice(found)
    value = random.choice(
        (int(match[0]) + 1, int(match[0]) - 1, 0, random.randrange(100), 2**31, len(seed.document))
    )
    text = b"%d" % value
    text = text.zfill(len(match[0])) if random.random() < 0.7 else text
    return seed.document[: match.start()] + text + seed.document[match.end() :]


def name(random: Random, seed: Seed) -> bytes:
    found = list(re.finditer(rb"/[A-Za-z]{1,16}", seed.document))
    if not found:
        return seed.document
    match = random.choice(found)
    return seed.document[: match.start()] + random.choice(_NAMES) + seed.document[match.end() :]


def byte_range(random: Random, seed: Seed) -> bytes:
    def alter(match: re.Match[bytes]) -> bytes:
        numbers = [int(each) for each in match[0][12:-1].split()]
        at = random.randrange(len(numbers)) if numbers else 0
        numbers[at : at + 1] = [
            random.choice((0, 1, len(seed.document), *(each + random.randint(-3, 3) for each in numbers)))
        ]
        return (b"/ByteRange [%s]" % b" ".join(b"%d" % each for each in numbers)).ljust(len(match[0]))

    return re.sub(rb"/ByteRange \[[\d\s]*\]", alter, seed.document)


def message(random: Random, seed: Seed) -> bytes:
    """One element of a signed message dropped, repeated, exchanged or altered; all lengths fit."""
    found = ranges(seed.document)
    if not found:
        return seed.document
    start, end, _ = random.choice(found)
    try:
        contents = bytes.fromhex(seed.document[start + 1 : end - 1].decode())
        altered = _element(random, contents[: _length(contents)], 0)
    except (ValueError, AuthorityError, IndexError):
        return seed.document
    digits = altered.hex().encode().ljust(end - start - 2, b"0")
    return seed.document[: start + 1] + digits[: end - start - 2] + seed.document[end - 1 :]


def _length(encoded: bytes) -> int:
    if encoded[1] < 0x80:
        return 2 + encoded[1]
    size = encoded[1] & 0x7F
    return 2 + size + int.from_bytes(encoded[2 : 2 + size], "big")


def _element(random: Random, encoded: bytes, depth: int) -> bytes:
    """*encoded* with something altered in it, or below it."""
    tag, constructed = encoded[0], encoded[0] & 0x20
    content = encoded[-(_length(encoded) - (2 if encoded[1] < 0x80 else 2 + (encoded[1] & 0x7F))) :]
    if not constructed or depth > 12:
        altered = bytearray(content or b"\0")
        altered[random.randrange(len(altered))] ^= 1 << random.randrange(8)
        return der.element(tag, bytes(altered))
    members, at = [], 0
    while at < len(content):
        length = _length(content[at:])
        members.append(content[at : at + length])
        at += length
    if members and random.random() < 0.75:
        chosen = random.randrange(len(members))
        members[chosen] = _element(random, members[chosen], depth + 1)
    else:
        members = _rearranged(random, members)
    return der.element(tag, b"".join(members))


def _rearranged(random: Random, members: list[bytes]) -> list[bytes]:
    if not members:
        return [b"\x05\0"]
    chosen = random.randrange(len(members))
    match random.randrange(4):
        case 0:
            return members[:chosen] + members[chosen + 1 :]
        case 1:
            return [*members, members[chosen]]
        case 2:
            return members[::-1]
        case _:
            return [*members, b"\x05\0"]


def _object_text(random: Random, text: bytes, seed: Seed) -> bytes:
    """The text of an object, altered, or as it was."""
    bare = Seed(text, ())
    ways: tuple[Callable[[], bytes], ...] = (
        lambda: random.choice((b"null", b"<<>>", b"[]", b"0", b"(x)")),
        lambda: stream(random.choice((RED_BOX, OTHER_TEXT, b""))),
        lambda: name(random, bare),
        lambda: number(random, bare),
        lambda: _ENTRY.sub(b"", text, count=1),
        lambda: bytes(random.choice(_OBJECT.findall(seed.document))[1]),
        lambda: text,
    )
    return random.choice(ways)()


def update(random: Random, seed: Seed) -> bytes:
    """A well-formed revision in which a few objects are written anew, altered."""
    objects = {int(each): text for each, text in _OBJECT.findall(seed.document)}
    if not objects:
        return seed.document
    chosen = random.sample(sorted(objects), min(len(objects), random.randint(1, 3)))
    try:
        return written({each: _object_text(random, objects[each], seed) for each in chosen}, after=seed.document)
    except (ValueError, IndexError):
        return seed.document


def table(random: Random, seed: Seed) -> bytes:
    """A revision that is nothing but a section: entries that lead to other places, or are free; odd trailers."""
    document = seed.document
    places = {int(match[1]): match.start() for match in _OBJECT.finditer(document)}
    if not places:
        return document
    try:
        size = max(int(each) for each in re.findall(rb"/Size (\d+)", document))
        previous, root = startxref(document), root_of(document)
    except (ValueError, IndexError):
        return document
    rows = b""
    for each in random.sample(sorted(places), min(len(places), random.randint(0, 2))):
        place = random.choice((places[each], random.choice(list(places.values())), 0))
        rows += b"%d 1\n%010d 0000%d %s \n" % (each, place, place == 0, b"n" if place else b"f")
    odd = random.choice(
        (b"", b"/Encrypt 9 0 R", b"/XRefStm 9", b"/Info 1 0 R", b"/ID[()()]", b"/Prev 9", b"/X null")
    )
    root = random.choice((root, root, b"2 0 R", b"3 0 R"))
    size = random.choice((size, size, 0, size + 9))
    keys = b"trailer\n<</Size %d/Root %s/Prev %d%s>>\n" % (size, root, previous, odd)
    return document + b"xref\n%s" % (rows or b"0 0\n") + keys + b"startxref\n%d\n%%%%EOF\n" % len(document)


def _ends(document: bytes) -> list[int]:
    """Where its revisions end."""
    return [match.end() for match in re.finditer(rb"%%EOF\r?\n?", document)]


def splice(random: Random, seed: Seed) -> bytes:
    """The front of one file and the end of another, cut where revisions end or anywhere."""
    other = random.choice(seed.others) if seed.others else seed.document
    cuts = _ends(seed.document) or [len(seed.document)]
    front = random.choice((random.choice(cuts), random.randrange(len(seed.document) + 1)))
    back = _ends(other) or [0]
    return (
        seed.document[:front] + other[random.choice((random.choice(back), random.randrange(len(other) + 1), 0)) :]
    )


def without_revision(random: Random, seed: Seed) -> bytes:
    """One of the revisions left out, or twice."""
    cuts = [0, *_ends(seed.document)]
    parts = [seed.document[a:b] for a, b in pairwise(cuts)]
    if not parts:
        return seed.document
    chosen = random.randrange(len(parts))
    copies = random.choice((0, 0, 2))
    return b"".join(parts[:chosen] + [parts[chosen]] * copies + parts[chosen + 1 :])


_MUTATIONS: dict[str, Mutation] = {
    each.__name__: each
    for each in (
        flip, delete, insert, overwrite, exchange, truncate, append, number, name, byte_range, message, update,
        table, splice, without_revision,
    )
}  # fmt: skip
_MUTATIONS |= {"update again": update, "message again": message}  # those that reach furthest come oftener
