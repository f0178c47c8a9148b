"""Frames between the pool and its children: 8-byte big-endian length, then that many bytes of CBOR; and typed
values as plain ones that CBOR carries, and back: arguments and answers of confined jobs (cattrs).

Nothing is converted from one type to another, and a field that is unknown or missing is refused: a child that
read a hostile document may answer anything.
"""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from enum import StrEnum
from types import NoneType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

import cattrs
import cbor2
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from hsm.errors import Malformed
from hsm.protocol import decode_cbor

_LENGTH = struct.Struct(">Q")
NUMBER_SIZE = 4
"""Octets of a process id, big-endian, when a child is handed over."""
_MOST_VALUES, _MOST_DEPTH = 1 << 20, 64
"""What is said of thousands of pages is far less; decoding more would cost the reader memory and time."""


class FrameError(Exception):
    """The peer closed early, announced too much, or sent what is not CBOR."""


def write(stream: socket.socket, value: Any) -> None:
    """Send *value*, blocking until the kernel has taken it all."""
    write_encoded(stream, cbor2.dumps(value))


def write_encoded(stream: socket.socket, payload: bytes) -> None:
    """Send CBOR that is already encoded."""
    stream.sendall(_LENGTH.pack(len(payload)))
    stream.sendall(payload)


def read(stream: socket.socket, *, limit: int, deadline: float | None = None) -> Any:
    """The next frame's value, of at most *limit* bytes, before *deadline* (``time.monotonic``).

    Raises FrameError for an early end, a frame over the limit, or bytes that are not CBOR; TimeoutError when late.
    """
    (length,) = _LENGTH.unpack(_exactly(stream, _LENGTH.size, deadline))
    if length > limit:
        raise FrameError(f"a frame of {length} bytes where {limit} are allowed")
    payload = _exactly(stream, length, deadline)
    try:
        return decode_cbor(payload, most_values=_MOST_VALUES, most_depth=_MOST_DEPTH)
    except Malformed as error:
        raise FrameError(str(error)) from error


def read_octets(stream: socket.socket, size: int, *, deadline: float | None = None) -> bytes:
    """The next *size* octets, which an earlier frame announced. Raises as :func:`read`."""
    return bytes(_exactly(stream, size, deadline))


def _exactly(stream: socket.socket, size: int, deadline: float | None) -> bytearray:
    received = bytearray(size)
    view = memoryview(received)
    while view:
        if deadline is not None:
            stream.settimeout(max(0.000_001, deadline - time.monotonic()))
        count = stream.recv_into(view)
        if count == 0:
            raise FrameError("the other side closed")
        view = view[count:]
    return received


T = TypeVar("T")


def encode(value: Any) -> Any:
    """*value* (a dataclass, or a list of them) with dataclasses as maps, enums as their values, instants as
    ISO 8601, certificates in DER and tuples as lists."""
    return _CONVERTER.unstructure(value)


def decode(kind: type[T], plain: Any) -> T:
    """The *kind* in *plain*. Raises ValueError for anything else."""
    try:
        return _CONVERTER.structure(plain, kind)
    except Exception as error:
        # what cattrs lets escape on wrong types is not one family of exceptions
        raise ValueError(f"no {getattr(kind, '__name__', kind)}") from error


def typed(job: Callable[..., T]) -> Callable[..., Any]:
    """*job* for plain arguments: each becomes what it is annotated with, and the result becomes plain. What that
    takes is prepared now, not at the first call; the result's is kept here, since cattrs forgets some of it."""
    kinds = get_type_hints(job)
    plain = _CONVERTER.get_unstructure_hook(kinds.pop("return"))
    for kind in kinds.values():
        _CONVERTER.get_structure_hook(kind)

    def call(**arguments: Any) -> Any:
        return plain(job(**{name: decode(kinds.get(name, Any), each) for name, each in arguments.items()}))

    return call


def _require(value: Any, kinds: tuple[type, ...]) -> Any:
    """*value* as it is. Raises TypeError unless it is exactly of one of *kinds*."""
    if type(value) not in kinds:
        raise TypeError(kinds)
    return value


def _is_generic(origin: type) -> Callable[[Any], bool]:
    return lambda kind: get_origin(kind) is origin


def _items_of(kind: Any) -> Any:
    made, item = get_origin(kind), get_args(kind)[0]
    return lambda value, _: made(_CONVERTER.structure(each, item) for each in _require(value, (list,)))


def _plain(value: object) -> object:
    return value if value is None or isinstance(value, int | float | str | bytes) else str(value)


def _converter() -> cattrs.Converter:
    made = cattrs.Converter(forbid_extra_keys=True, detailed_validation=False)
    for kind in (bool, int, str, bytes, NoneType):
        made.register_structure_hook(kind, lambda value, kind: _require(value, (kind,)))
    made.register_structure_hook(float, lambda value, _: _require(value, (float, int)))
    made.register_structure_hook(StrEnum, lambda value, kind: kind(_require(value, (str,))))
    made.register_unstructure_hook(StrEnum, lambda value: value.value)
    for origin in (tuple, list):
        made.register_structure_hook_factory(_is_generic(origin), _items_of)
    made.register_structure_hook_func(_is_generic(Mapping), lambda value, _: _require(value, (dict,)))
    made.register_unstructure_hook_func(
        _is_generic(Mapping), lambda value: {key: _plain(each) for key, each in value.items()}
    )
    made.register_structure_hook(datetime, lambda value, _: datetime.fromisoformat(value))
    made.register_unstructure_hook(datetime, datetime.isoformat)
    made.register_structure_hook(x509.Certificate, lambda value, _: x509.load_der_x509_certificate(value))
    made.register_unstructure_hook(x509.Certificate, lambda each: each.public_bytes(Encoding.DER))
    return made


_CONVERTER = _converter()
