"""Every operation of the API, declared once: its route, the OpenAPI document and the readable page come from
here."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, TypeVar

from msgspec import Struct

from appliance.errors import NotFound
from appliance.model.api_clients import GrantedAccess, Scope
from appliance.submissions import ClaimedRequest
from webui.api.problems import ProblemError

V = TypeVar("V")

JSON: Final = "application/json"
PDF: Final = "application/pdf"
OCTETS: Final = "application/octet-stream"
ZIP: Final = "application/zip"
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class KeyRule(Enum):
    """Whether a request carries an ``Idempotency-Key``."""

    NONE = "none"
    OPTIONAL = "optional"
    """Repeating it does no harm, but gets another answer."""
    REQUIRED = "required"
    """It makes something, which repeating it would make twice."""


class VersionRule(Enum):
    """Whether a request says which version of the contract it is about (``If-Match``), or has."""

    NONE = "none"
    KNOWN = "known"
    """It may say which one the client has (``If-None-Match``), which is not given again."""
    OPTIONAL = "optional"
    REQUIRED = "required"

    @property
    def is_about_one(self) -> bool:
        """Whether ``If-Match`` is read."""
        return self in (VersionRule.OPTIONAL, VersionRule.REQUIRED)


@dataclass(frozen=True, slots=True)
class Answer:
    """What an operation answers: *value* is encoded as the operation declares for the *status*. ``version`` is
    that of the contract, for the ``ETag``."""

    value: Struct | bytes
    status: int = 200
    version: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Call:
    """One request of an operation: whose it is (None where nobody has to be anybody), what was sent, and which
    version it is about."""

    access: GrantedAccess | None
    sent: object = None
    asked: object = None
    claimed: ClaimedRequest | None = None
    version: int | None = None

    @property
    def client(self) -> GrantedAccess:
        """Whose request it is."""
        if self.access is None:
            raise TypeError("the operation is public")
        return self.access

    @property
    def chosen(self) -> str:
        """The id of what the operation makes, which requires a key: the same when the request is repeated."""
        if self.claimed is None:
            raise TypeError("the operation requires a key")
        return self.claimed.chosen

    @property
    def again(self) -> bool:
        """Whether an earlier attempt, which was not answered, may have done it."""
        return self.claimed is not None and self.claimed.again

    def made_before(self, find: Callable[[str], V]) -> V | None:
        """What an earlier attempt made under the id :attr:`chosen`, by *find*; None where it made nothing."""
        if not self.again:
            return None
        try:
            return find(self.chosen)
        except NotFound:
            return None

    def body(self, kind: type[V]) -> V:
        """The content, which the operation declares as *kind*."""
        if not isinstance(self.sent, kind):
            raise TypeError(f"the operation does not declare {kind}")
        return self.sent

    def query(self, kind: type[V]) -> V:
        """The parameters of the address, which the operation declares as *kind*."""
        if not isinstance(self.asked, kind):
            raise TypeError(f"the operation does not declare {kind}")
        return self.asked

    def require_version(self, version: int) -> int:
        """*version*, the contract's own. Raises :class:`ProblemError` when the request is about another one."""
        if self.version is not None and self.version != version:
            raise ProblemError("The contract has changed; read it again.", "version-changed")
        return version


Handler = Callable[..., Answer]
"""Takes the :class:`Call`, and by their names the parts of the path."""


@dataclass(frozen=True, slots=True)
class Declared:
    """What a request of an operation holds. ``body``: a type for JSON, or a media type for bytes as they are.
    ``problems``: the codes that it may refuse with besides those of all operations. ``public``: nobody has to be
    anybody. ``room``: so many bytes of JSON are taken, however small documents have to be.
    ``files``: media types in which the content may be a file as it is, in place of JSON."""

    body: object = None
    query: type[Struct] | None = None
    problems: tuple[str, ...] = ()
    key: KeyRule = KeyRule.NONE
    version: VersionRule = VersionRule.NONE
    public: bool = False
    room: int = 0
    files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Leads:
    """What answers tell that other operations take: ``values`` has a runtime expression (OpenAPI 3.1.0,
    4.8.20.3) for the name of a parameter, ``content`` for that of a member of the content. They lead to every
    operation whose path they fill; to one whose path has no parts, if it takes all of ``content``. ``of``: what
    they are about, for the names of the document's links."""

    of: str
    values: dict[str, str]
    content: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Operation:
    """``answers``: by status of success, the type, or the media type of bytes. ``scope``: which one a token needs;
    None for any token. ``leads``: where its answers lead."""

    name: str
    method: str
    path: str
    scope: Scope | None
    answers: Mapping[int, object]
    request: Declared
    run: Handler
    leads: Leads | None = None

    @property
    def parts(self) -> tuple[str, ...]:
        """The names of the parts of the path."""
        return tuple(re.findall(r"{(\w+)}", self.path))

    @property
    def summary(self) -> str:
        """The first line of the function's docstring, without the full stop."""
        return inspect.cleandoc(self.run.__doc__ or "").partition("\n")[0].removesuffix(".")

    @property
    def description(self) -> str:
        """The rest of it, one line for each paragraph."""
        rest = inspect.cleandoc(self.run.__doc__ or "").partition("\n")[2].strip()
        return "\n\n".join(" ".join(each.split()) for each in rest.split("\n\n"))


OPERATIONS: list[Operation] = []
"""All of them, as their modules declare them."""


def operation(
    method: str,
    path: str,
    scope: Scope | None,
    answers: Mapping[int, object],
    request: Declared | None = None,
    leads: Leads | None = None,
) -> Callable[[Handler], Handler]:
    """Declares the function below as an operation, under its name, with its docstring as the documentation."""

    def declare(run: Handler) -> Handler:
        declared = Operation(run.__name__, method, path, scope, answers, request or Declared(), run, leads)
        OPERATIONS.append(declared)
        return run

    return declare
