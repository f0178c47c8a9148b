"""What messages of one signer have in common: cast once, then filled with content, digest and signature.

All lengths in DER follow from those of content and signature, so that messages of equal lengths differ in three
places only. Timestamps are made by the thousand, and this is most of their encoding.
"""

from __future__ import annotations

from dataclasses import dataclass

from hsm import der


@dataclass(frozen=True, slots=True)
class SignedAttributes:
    """The signed attributes, without their header, before and after the digest in the message digest attribute."""

    before: bytes
    after: bytes

    def covered(self, digest: bytes) -> bytes:
        """The DER SET OF that is signed (RFC 5652, 5.4)."""
        return der.element(der.SET, self.before, digest, self.after)


@dataclass(frozen=True, slots=True)
class TemplateParts:
    """The constant parts of a SignedData, from the outside in; ``certificates`` is empty where none are sent."""

    signed_data: bytes
    before_content: bytes
    content_type: bytes
    certificates: bytes
    before_attributes: bytes
    signature_algorithm: bytes


@dataclass(frozen=True, slots=True)
class MessageTemplate:
    """A message without its content, digest and signature, and where in it these and the signed attributes are.

    ``content`` is None where the message is detached.
    """

    head: bytes
    middle: bytes
    tail: bytes
    content: slice | None
    attributes: slice
    digest: slice
    signature: slice

    def fill(self, *, content: bytes, digest: bytes, signature: bytes) -> bytes:
        """The whole message (DER ContentInfo)."""
        return b"".join((self.head, content, self.middle, digest, self.tail, signature))

    def covered(self, message: bytes) -> bytes:
        """What the signature in *message* is over: the attributes with the SET OF tag instead of [0]."""
        return b"\x31" + message[self.attributes][1:]


def message_template(
    parts: TemplateParts, attributes: SignedAttributes, *, content: int | None, digest: int, signature: int
) -> MessageTemplate:
    """The template for lengths in bytes; *content* is None where the message is detached."""
    # Before the digest and after it, from the innermost element outwards.
    before, after = attributes.before, attributes.after
    tail = after + parts.signature_algorithm + der.header(der.OCTET_STRING, signature)
    signed = der.header(0xA0, len(before) + digest + len(after)) + before
    signer = _around(parts.before_attributes + signed, digest + len(tail) + signature, (der.SEQUENCE, der.SET))
    inner = b"" if content is None else _around(b"", content, (der.OCTET_STRING, 0xA0))
    size = content or 0
    typed = _around(parts.content_type + inner, size, (der.SEQUENCE,))
    middle = parts.certificates + signer
    rest = size + len(middle) + digest + len(tail) + signature
    data = _around(parts.before_content + typed, rest, (der.SEQUENCE, 0xA0))
    head = _around(parts.signed_data + data, rest, (der.SEQUENCE,))
    digest_at = len(head) + size + len(middle)
    signature_at = digest_at + digest + len(tail)
    return MessageTemplate(
        head,
        middle,
        tail,
        content=None if content is None else slice(len(head), len(head) + content),
        attributes=slice(digest_at - len(signed), digest_at + digest + len(after)),
        digest=slice(digest_at, digest_at + digest),
        signature=slice(signature_at, signature_at + signature),
    )


def _around(beginning: bytes, rest: int, tags: tuple[int, ...]) -> bytes:
    """*beginning*, to be followed by *rest* bytes, inside elements of *tags*, the innermost first."""
    for tag in tags:
        beginning = der.header(tag, len(beginning) + rest) + beginning
    return beginning
