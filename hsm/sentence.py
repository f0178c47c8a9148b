"""A sentence that people read, with its places apart from its words, so that it can be translated."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from hsm.errors import AuthorityError


@dataclass(frozen=True, slots=True)
class Sentence:
    """``str()`` is the English sentence. The values are texts or numbers that need no translation."""

    template: str
    values: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_error(cls, error: AuthorityError) -> Sentence:
        """What *error* says."""
        return cls(error.template, error.values)

    def __str__(self) -> str:
        return self.template.format(**self.values) if self.values else self.template

    def translated(self, translate: Callable[..., str]) -> str:
        """The sentence in the language of *translate*, which takes the template and its values."""
        return translate(self.template, **self.values)

    def to_wire(self) -> list[Any]:
        """Plain values for the socket."""
        return [self.template, {name: str(value) for name, value in self.values.items()}]
