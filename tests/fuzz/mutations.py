"""Timestamp requests that are nearly right: good ones, changed by somebody who knows their structure.

Everything comes from one seed, so what a round finds can be sent again.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from tests.conformance.oracle import elements
from tests.conformance.requests import MD5, POLICY, SHA1, SHA256, SHA384, SHA512, SM3

_LENGTHS = {SHA256: 32, SHA384: 48, SHA512: 64}
_TAGS = (0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x0A, 0x30, 0x31, 0x80, 0xA0, 0xA1, 0x1F, 0x3F)


def oid(dotted: str) -> bytes:
    """The contents octets of an OBJECT IDENTIFIER (X.690, 8.19)."""
    first, second, *rest = (int(arc) for arc in dotted.split("."))
    return b"".join(_base128(arc) for arc in (40 * first + second, *rest))


def _base128(number: int) -> bytes:
    octets = bytearray([number & 0x7F])
    while number := number >> 7:
        octets.append(number & 0x7F | 0x80)
    return bytes(reversed(octets))


_OIDS = [oid(each) for each in (SHA256, SHA384, SHA512, SM3, SHA1, MD5, POLICY, "1.2.3.4")] + [
    b"\x2a" + b"\x83\x01" * 200,
    b"",
    b"\x80\x01",
    b"\x2a\x80",
]


@dataclass(slots=True)
class Node:
    """One element to be mutated: constructed ones have ``members``. ``written`` replaces its whole encoding."""

    tag: int
    body: bytes = b""
    members: list[Node] | None = None
    written: Callable[[bytes], bytes] | None = field(default=None)

    def encode(self) -> bytes:
        """As DER, unless a mutation says otherwise."""
        body = self.body if self.members is None else b"".join(member.encode() for member in self.members)
        return self.written(body) if self.written else bytes([self.tag]) + length_of(len(body)) + body

    def walk(self) -> Iterator[Node]:
        """This one and all below."""
        yield self
        for member in self.members or ():
            yield from member.walk()


def length_of(size: int) -> bytes:
    """The length octets in their shortest form."""
    if size < 0x80:
        return bytes([size])
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([0x80 | len(octets)]) + octets


def tree(data: bytes) -> Node:
    """The tree of one DER element."""
    (found,) = elements(data)
    if not found.tag & 0x20:
        return Node(found.tag, found.body)
    return Node(found.tag, members=[tree(each.whole) for each in elements(found.body)])


class Mutator:
    """An endless stream of requests from *seed*: a quarter good, others wrong in a member or in structure."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - to be repeated, not to be secret
        self._structural = (
            self._swap_tag,
            self._drop,
            self._repeat,
            self._exchange,
            self._rewrite_body,
            self._misstate_length,
            self._nest,
            self._other_oid,
            self._insert,
        )

    def __iter__(self) -> Iterator[bytes]:
        while True:
            yield self.request()

    def request(self) -> bytes:
        """The next one."""
        root, kind = tree(self.good()), self._random.random()
        if kind < 0.25:
            return root.encode()
        if kind < 0.40:
            self._replace_a_member(root)
            return root.encode()
        if kind < 0.88:
            for _ in range(self._random.choice((1, 1, 1, 2, 3))):
                self._random.choice(self._structural)(self._random.choice(list(root.walk())))
            return root.encode()
        return self._bytes(bytearray(root.encode()))

    def good(self) -> bytes:
        """One that must be granted: any of the digests, any nonce, with and without each option."""
        choose = self._random
        name = choose.choice(list(_LENGTHS))
        parameters = choose.choice(([], [Node(0x05)]))
        imprint = [
            Node(0x30, members=[Node(0x06, oid(name)), *parameters]),
            Node(0x04, choose.randbytes(_LENGTHS[name])),
        ]
        members = [Node(0x02, b"\x01"), Node(0x30, members=imprint)]
        if choose.random() < 0.4:
            members.append(Node(0x06, oid(POLICY)))
        if choose.random() < 0.6:
            members.append(Node(0x02, self._integer()))
        if choose.random() < 0.3:
            members.append(Node(0x01, b"\xff"))
        return Node(0x30, members=members).encode()

    def _integer(self) -> bytes:
        number = self._random.getrandbits(self._random.choice((1, 8, 64, 64, 160, 4096)))
        number = -number if self._random.random() < 0.3 else number
        magnitude = number if number >= 0 else ~number
        return number.to_bytes(magnitude.bit_length() // 8 + 1, "big", signed=True)

    def _replace_a_member(self, root: Node) -> None:
        """One that DER allows and we do not (or do): another version, hash, digest, policy; an extension."""
        assert root.members is not None
        version, imprint, *_ = root.members
        assert imprint.members is not None
        match self._random.randrange(5):
            case 0:
                version.body = self._integer()
            case 1:
                self._other_oid(imprint.members[0])
            case 2:
                imprint.members[1].body = self._random.randbytes(self._random.choice((0, 20, 31, 32, 48, 64, 65)))
            case 3:
                if len(root.members) == 2 or root.members[2].tag != 0x06:
                    root.members.insert(2, Node(0x06))
                root.members[2].body = self._random.choice(_OIDS)
            case _:
                root.members.append(
                    Node(0xA0, members=[self._extension() for _ in range(self._random.randrange(3))])
                )

    def _extension(self) -> Node:
        members = [Node(0x06, self._random.choice(_OIDS)), Node(0x04, self._random.randbytes(9))]
        if self._random.random() < 0.4:
            members.insert(1, Node(0x01, self._random.choice((b"\xff", b"\xff", b"\x00", b"\x01"))))
        return Node(0x30, members=members)

    def _swap_tag(self, node: Node) -> None:
        node.tag = self._random.choice(_TAGS)

    def _drop(self, node: Node) -> None:
        if node.members:
            node.members.pop(self._random.randrange(len(node.members)))
        else:
            node.body = b""

    def _repeat(self, node: Node) -> None:
        if node.members:
            node.members.append(self._random.choice(node.members))
        else:
            node.body *= 2

    def _exchange(self, node: Node) -> None:
        if node.members:
            self._random.shuffle(node.members)

    def _rewrite_body(self, node: Node) -> None:
        node.members = None
        size = self._random.choice((0, 1, 2, 20, 31, 32, 33, 127, 128, 300, 5000))
        node.body = self._random.choice((bytes(size), b"\xff" * size, self._random.randbytes(size)))

    def _misstate_length(self, node: Node) -> None:
        tag, form = node.tag, self._random.randrange(6)

        def write(body: bytes) -> bytes:
            size = len(body)
            forms = (
                lambda: b"\x80" + body + b"\x00\x00",
                lambda: b"\x81" + bytes([size & 0xFF]) + body,
                lambda: b"\x82" + (size & 0xFFFF).to_bytes(2, "big") + body,
                lambda: length_of(size + 1) + body,
                lambda: length_of(max(size - 1, 0)) + body,
                lambda: b"\x84\xff\xff\xff\xff" + body,
            )
            return bytes([tag]) + forms[form]()

        node.written = write

    def _nest(self, node: Node) -> None:
        depth = self._random.choice((1, 2, 50, 2000))
        inner = node.body
        for _ in range(depth):
            inner = b"\x30" + length_of(len(inner)) + inner
            if len(inner) > 60_000:
                break
        node.members, node.body = None, inner

    def _other_oid(self, node: Node) -> None:
        named = [each for each in node.walk() if each.tag == 0x06] or [node]
        self._random.choice(named).body = self._random.choice(_OIDS)

    def _insert(self, node: Node) -> None:
        new = self._random.choice(
            (
                Node(0xA0, members=[self._extension()]),
                Node(0x05),
                Node(0x02, self._integer()),
                Node(0x01, b"\x01"),
                Node(0x06, self._random.choice(_OIDS)),
            )
        )
        if node.members is not None:
            node.members.insert(self._random.randint(0, len(node.members)), new)

    def _bytes(self, data: bytearray) -> bytes:
        """Without any respect for structure."""
        place = self._random.randrange(len(data))
        match self._random.randrange(6):
            case 0:
                data[place] ^= 1 << self._random.randrange(8)
            case 1:
                data[place] = self._random.randrange(256)
            case 2:
                del data[place:]
            case 3:
                data += self._random.randbytes(self._random.choice((1, 2, 100, 60_000)))
            case 4:
                data[place:place] = self._random.randbytes(self._random.randrange(1, 9))
            case _:
                del data[place : place + self._random.randrange(1, 9)]
        return bytes(data)
