"""Reading the rule files: those of the package, overridden by those of the home. An error names file and line.

A rule's regular expression must take time bounded by the length of a sentence. Backtracking explodes with
repeats without an end (``*``, ``+``, ``{3,}``) and references back, and repeats inside such repeats multiply.
Only repeats of single characters may be open, and only in few combinations.
"""

from __future__ import annotations

import re
import re._constants as sre  # type: ignore[import-not-found]  # the standard library's own parser, without stubs
import re._parser as parser  # type: ignore[import-not-found]
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from importlib import resources
from pathlib import Path
from typing import Any, Final

import yaml

from appliance.errors import ConfigurationError
from appliance.language.sizes import ByteSize
from appliance.review import weighing
from appliance.review.rule_book import ClauseRule, KindRule, RuleBook, compiled, expression, parts

MOST_NESTED = 200
"""The most that the bounds of repeats inside repeats may multiply to."""


@cache
def unbounded(pattern: str) -> bool:
    """Whether *pattern* (one that compiles) could take too long."""
    return _endless(parser.parse(pattern), 1)


def _endless(parts: Any, within: int) -> bool:
    return any(_part_endless(operation, value, within) for operation, value in parts)


def _part_endless(operation: Any, value: Any, within: int) -> bool:
    if operation in (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT):
        return _repeat_endless(value, within)
    if operation is sre.BRANCH:
        return any(_endless(branch, within) for branch in value[1])
    if operation in _INSIDE:
        return _endless(_INSIDE[operation](value), within)
    return operation in (sre.GROUPREF, sre.GROUPREF_EXISTS)


def _repeat_endless(value: Any, within: int) -> bool:
    _, most, inside = value
    single = len(inside) == 1 and inside[0][0] in (sre.LITERAL, sre.NOT_LITERAL, sre.ANY, sre.IN)
    if most == sre.MAXREPEAT:
        return within > 1 or not single
    if single:
        return within > 1 and within * most > MOST_NESTED
    return within * most > MOST_NESTED or _endless(inside, within * max(most, 1))


_INSIDE: Mapping[Any, Callable[[Any], Any]] = {
    sre.SUBPATTERN: lambda value: value[3],
    sre.ASSERT: lambda value: value[1],
    sre.ASSERT_NOT: lambda value: value[1],
    sre.ATOMIC_GROUP: lambda value: value,
}
"""Groups, and how the patterns in them are got at."""


LANGUAGES: Final = ("zh", "en")
LARGEST: Final = 256 * 1024
LONGEST_PATTERN: Final = 2000
_KEY: Final = re.compile(r"[a-z][a-z0-9-]{0,39}")
_SECTIONS: Final = ("words", "passing", "samples", "clauses", "kinds")
_PATTERNS: Final = ("headings", "says", "pairs", "parties", "passing")
_CLAUSE: Final = ("name", "topic", "hints", "within", "weight", "duties", *_PATTERNS)
_KIND: Final = ("names", "required", "advised")


@dataclass(frozen=True, slots=True)
class _Place:
    """A value of a file with where it stands, for what is said of it. ``tried``: its patterns have to be tried."""

    file: str
    node: Any
    tried: bool

    def wrong(self, problem: str, **values: object) -> ConfigurationError:
        line = self.node.start_mark.line + 1
        return ConfigurationError("{file}, line {line}: " + problem, file=self.file, line=line, **values)

    def entries(self, known: Iterable[str] | None = None) -> dict[str, _Place]:
        """The keys of a mapping; only *known* ones, if given."""
        if not isinstance(self.node, yaml.MappingNode):
            raise self.wrong("names with values are expected here.")
        found: dict[str, _Place] = {}
        for key, value in self.node.value:
            name, place = str(key.value), replace(self, node=key)
            if name in found:
                raise place.wrong("“{name}” stands here twice.", name=name)
            if (known is not None and name not in known) or not _KEY.fullmatch(name):
                raise place.wrong("“{name}” is not known here.", name=name)
            found[name] = replace(self, node=value)
        return found

    def text(self) -> str:
        if not isinstance(self.node, yaml.ScalarNode) or not self.node.value.strip():
            raise self.wrong("a text is expected here.")
        return str(self.node.value).strip()

    def number(self) -> int:
        try:
            return int(self.text())
        except ValueError as error:
            raise self.wrong("a whole number is expected here.") from error

    def pattern(self) -> str:
        """A text whose lines may break after ``|``."""
        return re.sub(r"\|\s+", "|", self.text())

    def items(self) -> list[_Place]:
        if isinstance(self.node, yaml.ScalarNode):
            return [self]
        if not isinstance(self.node, yaml.SequenceNode):
            raise self.wrong("a list of texts is expected here.")
        return [replace(self, node=each) for each in self.node.value]

    def texts(self) -> tuple[str, ...]:
        return tuple(each.text() for each in self.items())


def load_rules(home: Path | None = None) -> RuleBook:
    """The package's rules, with what the ``*.yaml`` files in the folder *home* replace or add.

    Raises :class:`ConfigurationError` naming file and line of the first error.
    """
    return _rule_book(tuple(_own_files(home)))


@lru_cache(maxsize=4)
def _rule_book(own: tuple[tuple[str, str], ...]) -> RuleBook:
    """The rules by the *own* files of a home, name and text of each, and the package's. Where there are none,
    no pattern is tried, which would take every process a third of a second: the package's are in order."""
    sections: dict[str, dict[str, _Place]] = {name: {} for name in _SECTIONS}
    files: list[tuple[str, str, type[yaml.SafeLoader | yaml.CSafeLoader]]] = [
        *((*each, yaml.CSafeLoader) for each in _shipped_files()),
        *((*each, yaml.SafeLoader) for each in own),
    ]
    for file, text, loader in files:
        for name, place in _Place(file, _opened(file, text, loader), bool(own)).entries(_SECTIONS).items():
            sections[name] |= place.entries()
    words = {language: _words(sections["words"].get(language)) for language in LANGUAGES}
    clauses = tuple(_clause(key, place, words) for key, place in sections["clauses"].items())
    known = {clause.key for clause in clauses}
    for clause in clauses:
        if clause.within and clause.within not in known:
            raise sections["clauses"][clause.key].wrong("there is no clause “{name}”.", name=clause.within)
    return RuleBook(
        clauses=clauses,
        kinds=tuple(_kind(key, place, known) for key, place in sections["kinds"].items()),
        words=words,
        passing={name: _patterns(place, name, words) for name, place in sections["passing"].items()},
        samples={name: _patterns(place, name, words) for name, place in sections["samples"].items()},
        weights=weighing.digest(),
    )


def with_policy(book: RuleBook, wanted: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]]) -> RuleBook:
    """*book* with the clauses (required, advised) that policy adds to types; a required one is not advised too."""
    kinds = []
    for kind in book.kinds:
        required, advised = wanted.get(kind.key, ((), ()))
        musts = (*kind.required, *(each for each in required if each not in kind.required))
        shoulds = dict.fromkeys((*kind.advised, *advised))
        kinds.append(replace(kind, required=musts, advised=tuple(each for each in shoulds if each not in musts)))
    return replace(book, kinds=tuple(kinds))


def _shipped_files() -> Iterator[tuple[str, str]]:
    """Name and text of the package's."""
    shipped = resources.files("appliance.review").joinpath("rules")
    for item in sorted(shipped.iterdir(), key=lambda each: each.name):
        if item.name.endswith(".yaml"):
            yield item.name, item.read_text(encoding="utf-8")


def _own_files(home: Path | None) -> Iterator[tuple[str, str]]:
    """Name and text of those in the folder *home*."""
    for path in sorted(home.glob("*.yaml")) if home is not None and home.is_dir() else ():
        if path.stat().st_size > LARGEST:
            raise ConfigurationError("{file} is larger than {most}.", file=path, most=ByteSize(LARGEST))
        try:
            yield str(path), path.read_text(encoding="utf-8")
        except (OSError, ValueError) as error:
            raise ConfigurationError("{file} cannot be read as text: {detail}", file=path, detail=error) from error


def _opened(file: str, text: str, loader: type[yaml.SafeLoader | yaml.CSafeLoader]) -> Any:
    """The root of the file. The quick parser, for the package's files, is vague about where an error is."""
    try:
        for event in yaml.parse(text, Loader=loader):
            if isinstance(event, yaml.AliasEvent):
                line = event.start_mark.line + 1 if event.start_mark else 1
                raise ConfigurationError("{file}, line {line}: aliases are not used here.", file=file, line=line)
        node = yaml.compose(text, Loader=loader)
    except yaml.YAMLError as error:
        mark, detail = None, str(error)
        if isinstance(error, yaml.MarkedYAMLError):
            mark, detail = error.problem_mark or error.context_mark, str(error.problem)
        line = 1 if mark is None else mark.line + 1
        raise ConfigurationError(
            "{file}, line {line}: this is not YAML: {detail}.", file=file, line=line, detail=detail
        ) from error
    if node is None:
        raise ConfigurationError("{file}, line {line}: the file is empty.", file=file, line=1)
    return node


def _words(place: _Place | None) -> dict[str, str]:
    """The words of a language; one may use others that stand before it."""
    found: dict[str, str] = {}
    for name, each in ({} if place is None else place.entries()).items():
        written = each.pattern()
        found[name] = re.sub(r"<([a-z]+)>", lambda used: found.get(used[1], used[0]), written)
        _require_pattern(each, found[name])
    return found


def _clause(key: str, place: _Place, words: Mapping[str, Mapping[str, str]]) -> ClauseRule:
    given = place.entries(_CLAUSE)
    for needed in ("name", "topic"):
        if needed not in given:
            raise place.wrong("the clause “{name}” lacks “{needed}”.", name=key, needed=needed)
    topics = {name: each.text() for name, each in given["topic"].entries(LANGUAGES).items()}
    hints = given["hints"].entries(LANGUAGES) if "hints" in given else {}
    patterns = {
        section: {
            name: _patterns(each, name, words, topics.get(name, ""))
            for name, each in given[section].entries(LANGUAGES).items()
        }
        for section in _PATTERNS
        if section in given
    }
    return ClauseRule(
        key=key,
        name={name: each.text() for name, each in given["name"].entries(LANGUAGES).items()},
        topic={name: (topic,) for name, topic in topics.items()},
        hints={name: each.texts() for name, each in hints.items()},
        within=given["within"].text() if "within" in given else "",
        weight=given["weight"].number() if "weight" in given else None,
        duties="duties" in given and given["duties"].text() == "true",
        **patterns,
    )


def _kind(key: str, place: _Place, known: set[str]) -> KindRule:
    given = place.entries(_KIND)
    names = tuple(each.casefold() for each in given["names"].texts()) if "names" in given else ()
    levels = {name: given[name].items() if name in given else [] for name in ("required", "advised")}
    for item in (*levels["required"], *levels["advised"]):
        if item.text() not in known:
            raise item.wrong("there is no clause “{name}”.", name=item.text())
    required, advised = (tuple(item.text() for item in levels[name]) for name in ("required", "advised"))
    return KindRule(key, names, required, advised)


def _patterns(
    place: _Place, language: str, words: Mapping[str, Mapping[str, str]], topic: str | None = None
) -> tuple[str, ...]:
    """The patterns and frames, each tried with its words put in; a passing mention's <topic> is put in later."""
    found = []
    for item in place.items():
        written = item.pattern()
        for _, part in parts(written) if item.tried else ():
            try:
                whole = expression(part, language, words[language], topic or "topic")
            except KeyError as error:
                raise item.wrong("<{name}> is no word of the rules.", name=error.args[0]) from error
            _require_pattern(item, whole)
        if item.tried and all(mark for mark, _ in parts(written)):
            raise item.wrong("a frame needs a part without “!”.")
        found.append(written)
    return tuple(found)


def _require_pattern(item: _Place, whole: str) -> None:
    """Raises unless *whole* is a pattern that ends in bounded time, where *item* has to be tried."""
    if not item.tried:
        return
    if len(whole) > 10 * LONGEST_PATTERN:
        raise item.wrong("the pattern is longer than {most} characters.", most=10 * LONGEST_PATTERN)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            compiled(whole)
            endless = unbounded(whole)
    except (re.error, RecursionError, OverflowError, Warning) as error:
        raise item.wrong("the pattern is not a regular expression: {detail}.", detail=error) from error
    if endless:
        raise item.wrong("the pattern repeats without end; write {example} instead of * or +.", example="{0,40}")
