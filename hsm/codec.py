"""The codec of requests and answers (cattrs): typed values to plain values at a process boundary, and back; and
the operations that are declared with it.

Plain values are those that :mod:`hsm.protocol` reads: none, booleans, integers, floats, texts, bytes, lists and
maps. Nothing is converted from one type to another, an unknown or missing field is refused, and no error contains
a value.
"""

from __future__ import annotations

import collections.abc
from collections.abc import Callable, Mapping
from dataclasses import fields, make_dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import cached_property
from inspect import Parameter, signature
from types import NoneType
from typing import (
    Any,
    Concatenate,
    Generic,
    ParamSpec,
    Self,
    TypeVar,
    get_args,
    get_origin,
    get_type_hints,
    overload,
)

import cattrs
from cattrs.errors import ForbiddenExtraKeysError
from cattrs.strategies import configure_tagged_union

from hsm.backup import BackupPartStatement
from hsm.config import PeerRole
from hsm.errors import AuthorityError, BadRequest, Sentence
from hsm.intents import (
    Activation,
    Intent,
    OfficerIntent,
    PinTotpActivation,
    SigningIntent,
    WebAuthnActivation,
    any_intent_from_wire,
    officer_intent_from_wire,
    signing_intent_from_wire,
)
from hsm.protocol import Connections

T = TypeVar("T")

_SEQUENCES: tuple[Any, ...] = (list, tuple, collections.abc.Sequence)
_MOST_ACTIVATIONS = 4


def encode(value: Any) -> Any:
    """*value* (a dataclass, or a list or optional of them) as plain values."""
    return _ANSWERS.unstructure(value)


def decode_request(kind: type[T], values: Mapping[str, Any]) -> T:
    """The request of *kind* in a hostile caller's *values*. Raises :class:`BadRequest`."""
    try:
        return _REQUESTS.structure(values, kind)
    except BadRequest:
        raise
    except ForbiddenExtraKeysError as error:
        raise BadRequest("The request has a field that it may not have.") from error
    except Exception as error:
        # What cattrs lets escape on wrong types is not one family of exceptions.
        raise _wrong_field(kind, values) from error


def decode_answer(kind: type[T], value: Any) -> T:
    """The answer of *kind* in what the authority sent. Raises :class:`BadRequest` for an invalid one."""
    try:
        return _ANSWERS.structure(value, kind)
    except BadRequest:
        raise
    except Exception as error:
        raise BadRequest("The authority's reply is not an answer to what it was asked.") from error


def _wrong_field(kind: type[Any], values: Mapping[str, Any]) -> BadRequest:
    hints = get_type_hints(kind)
    for each in fields(kind):
        expected = hints[each.name]
        try:
            _REQUESTS.structure(values[each.name], expected)
        except AuthorityError as refusal:
            return BadRequest(refusal.template, **refusal.values)
        except Exception:
            name = getattr(expected, "__name__", str(expected))
            return BadRequest("The field {name} is missing or is no {kind}.", name=each.name, kind=name)
    return BadRequest("The request has a field that it may not have.")


# --- the hooks


def _exactly(kind: type[T]) -> Callable[[Any, Any], T]:
    def structure(value: Any, _kind: Any) -> T:
        if type(value) is not kind:
            raise TypeError(kind)
        return value

    return structure


def _sequence(converter: cattrs.Converter) -> Callable[[Any], Callable[[Any, Any], Any]]:
    """Of lists alone: a text or a map is no sequence of its parts. ``tuple[X, ...]``, ``list[X]``,
    ``Sequence[X]``."""

    def factory(kind: Any) -> Callable[[Any, Any], Any]:
        item = get_args(kind)[0] if get_args(kind) else Any
        make: Callable[[Any], Any] = tuple if get_origin(kind) is tuple else list
        most = _MOST_ACTIVATIONS if item == Activation else None

        def structure(value: Any, _kind: Any) -> Any:
            if type(value) is not list:
                raise TypeError(kind)
            if most is not None and len(value) > most:
                raise BadRequest("Activations are a list of at most four.")
            return make(value) if item is Any else make(converter.structure(each, item) for each in value)

        return structure

    return factory


def _converter(*, forbid_extra_keys: bool) -> cattrs.Converter:
    made = cattrs.Converter(forbid_extra_keys=forbid_extra_keys, detailed_validation=False)
    for kind in (bool, int, str, bytes):
        made.register_structure_hook(kind, _exactly(kind))
    made.register_structure_hook(NoneType, lambda _value, _: None)
    made.register_structure_hook(StrEnum, lambda value, kind: kind(value))  # else it is taken for the text it is
    made.register_structure_hook_func(lambda kind: dict in (kind, get_origin(kind)), _exactly(dict))
    made.register_structure_hook_factory(
        lambda kind: any(each in _SEQUENCES for each in (kind, get_origin(kind))), _sequence(made)
    )
    made.register_structure_hook(SigningIntent, lambda value, _: signing_intent_from_wire(value))
    made.register_structure_hook(OfficerIntent, lambda value, _: officer_intent_from_wire(value))
    made.register_structure_hook(Intent, lambda value, _: any_intent_from_wire(value))
    made.register_structure_hook(datetime, lambda value, _: datetime.fromtimestamp(value, UTC))
    made.register_structure_hook(Sentence, lambda value, _: Sentence(*value))
    made.register_structure_hook(BackupPartStatement, lambda value, _: BackupPartStatement.from_fields(value))
    made.register_unstructure_hook(SigningIntent, SigningIntent.fields)
    made.register_unstructure_hook(OfficerIntent, OfficerIntent.fields)
    made.register_unstructure_hook(datetime, lambda moment: int(moment.timestamp()))
    made.register_unstructure_hook(Sentence, Sentence.to_wire)
    made.register_unstructure_hook(BackupPartStatement, BackupPartStatement.fields)
    configure_tagged_union(Activation, made, tag_generator=_ACTIVATION_KINDS.__getitem__, tag_name="kind")
    return made


_ACTIVATION_KINDS = {WebAuthnActivation: "webauthn", PinTotpActivation: "pin-totp"}
_REQUESTS = _converter(forbid_extra_keys=True)
_ANSWERS = _converter(forbid_extra_keys=False)


P = ParamSpec("P")
R = TypeVar("R")


class Operation(Generic[P, R]):
    """One operation. On a client it is the method that requests it."""

    def __init__(self, declared: Callable[Concatenate[Any, P], R], roles: frozenset[PeerRole], name: str) -> None:
        """See :func:`operation`."""
        self._declared = declared
        self.roles = roles
        self.method = declared.__name__
        self.name = name or self.method
        self.__doc__ = declared.__doc__

    @cached_property
    def _hints(self) -> dict[str, Any]:
        return get_type_hints(self._declared)

    @cached_property
    def _parameters(self) -> dict[str, Parameter]:
        _client, *own = signature(self._declared).parameters.items()
        return dict(own)

    @cached_property
    def _is_of_officers(self) -> bool:
        return self._hints.get("intent") is OfficerIntent

    @cached_property
    def request(self) -> Any:
        """The type of the request, a dataclass made at first use; its repr contains no secret."""
        parameters = [
            (each.name, self._hints[each.name])
            if each.default is each.empty
            else (each.name, self._hints[each.name], each.default)
            for each in self._parameters.values()
        ]
        return make_dataclass(self.method, parameters, frozen=True, slots=True, repr=False)

    @cached_property
    def answer(self) -> Any:
        return self._hints["return"]

    @cached_property
    def has_plain_answer(self) -> bool:
        """Whether the answer needs no encoding."""
        return self.answer in (bytes, str, int, list[bytes], list[str], list[Any])

    @overload
    def __get__(self, client: None, owner: type) -> Self: ...

    @overload
    def __get__(self, client: Connections, owner: type) -> Callable[P, R]: ...

    def __get__(self, client: Connections | None, owner: type) -> Self | Callable[P, R]:
        if client is None:
            return self

        def ask(*args: P.args, **kwargs: P.kwargs) -> R:
            answer: R = decode_answer(self.answer, client.ask(self.name, encode(self.request(*args, **kwargs))))
            return answer

        return ask

    def decode(self, values: dict[str, Any]) -> dict[str, Any]:
        """The handler's arguments in a caller's *values*. Raises :class:`BadRequest`."""
        request = decode_request(self.request, values)
        if self._is_of_officers and request.intent.kind != self.name:
            raise BadRequest("This act is of another kind than the operation {kind}.", kind=self.name)
        return {name: getattr(request, name) for name in self._parameters}


def operation(
    roles: frozenset[PeerRole], name: str = ""
) -> Callable[[Callable[Concatenate[Any, P], R]], Operation[P, R]]:
    """Declares a client's method, whose parameters and answer say what crosses, as an operation for *roles*.

    *name* is how the operation is called on the socket and in intents, where that is another name than the
    method's.
    """
    return lambda declared: Operation(declared, roles, name)
