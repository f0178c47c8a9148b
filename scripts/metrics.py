"""The figures by which the shape of the code is judged, each beside its bound: ``make metrics`` prints them.

Files and lines are those of the product (``hsm``, ``appliance``, ``webui``). A package is a directory or module of
``appliance``, with ``hsm`` below them and ``webui`` above; its level is the length of the longest chain of imports
that begins at it. The way to a signature is taken in
a running appliance: the files of the product whose functions are called between the portal's handler of ``POST
/contracts/ID/sign`` and the moment at which the CMS is on disk.
"""

from __future__ import annotations

import ast
import re
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import grimp

ROOT = Path(__file__).parents[1]
PRODUCT = ("hsm", "appliance", "webui")
EMPTY_NAMES = frozenset({"acts", "desk", "reading", "room", "standing", "words", "work"})
"""Names of modules that say nothing; each in one package at most."""
SMALL_FILE, LARGE_FILE, LONG_FUNCTION = 40, 400, 40
_ROW_NUMBER = re.compile(r"\brow\[\d+\]")


def product_files(below: str = "") -> list[Path]:
    """The Python files of the product, or of the folder *below*."""
    return sorted(path for name in ([below] if below else PRODUCT) for path in (ROOT / name).rglob("*.py"))


@cache
def parsed(path: Path) -> ast.Module:
    """The syntax tree of one file."""
    return ast.parse(path.read_text(encoding="utf-8"))


def line_count(path: Path) -> int:
    """How many lines the file has."""
    return len(path.read_text(encoding="utf-8").splitlines())


def repeated_classes(below: str = "appliance") -> dict[str, list[str]]:
    """The names of public classes that more than one module defines, each with these modules."""
    found = defaultdict(list)
    for path in product_files(below):
        for node in parsed(path).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                found[node.name].append(str(path.relative_to(ROOT)))
    return {name: places for name, places in sorted(found.items()) if len(places) > 1}


def repeated_empty_names() -> dict[str, list[str]]:
    """The names that say nothing and that more than one module has, each with these modules."""
    found = defaultdict(list)
    for path in product_files():
        if path.stem in EMPTY_NAMES:
            found[path.stem].append(str(path.relative_to(ROOT)))
    return {name: places for name, places in sorted(found.items()) if len(places) > 1}


def long_functions() -> list[tuple[str, int]]:
    """Functions of more than :data:`LONG_FUNCTION` lines, with these."""
    found = []
    for path in product_files():
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno is not None:
                length = node.end_lineno - node.lineno + 1
                if length > LONG_FUNCTION:
                    found.append((f"{path.relative_to(ROOT)}:{node.name}", length))
    return sorted(found, key=lambda each: -each[1])


def package_imports() -> dict[str, set[str]]:
    """Each package (or module beside the packages) with those that it imports; imports for types alone do not
    count."""
    graph = grimp.build_graph(*PRODUCT, exclude_type_checking_imports=True, cache_dir=None)
    found: dict[str, set[str]] = defaultdict(set)
    for module in graph.modules:
        for imported in graph.find_modules_directly_imported_by(module):
            before, after = _package_of(module), _package_of(imported)
            if before != after:
                found[before].add(after)
    return dict(found)


def _package_of(module: str) -> str:
    root, _, rest = module.partition(".")
    return f"{root}.{rest.partition('.')[0]}" if root == "appliance" and rest else root


def cycles(imports: Mapping[str, set[str]]) -> list[set[str]]:
    """The groups of packages of which each imports every other, directly or not (Tarjan)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found = []

    def visit(name: str) -> None:
        index[name] = low[name] = len(index)
        stack.append(name)
        for other in imports.get(name, ()):
            if other not in index:
                visit(other)
            if other in stack:
                low[name] = min(low[name], low[other])
        if low[name] == index[name]:
            group = set()
            while not group or name not in group:
                group.add(stack.pop())
            if len(group) > 1:
                found.append(group)

    for name in imports:
        if name not in index:
            visit(name)
    return found


def longest_chain(imports: Mapping[str, set[str]]) -> list[str]:
    """The longest chain of packages of which each imports the next. There must be no cycle."""

    @cache
    def chain(name: str) -> tuple[str, ...]:
        return (name, *max((chain(each) for each in imports.get(name, ())), key=len, default=()))

    return list(max(map(chain, imports), key=len))


def figures() -> Iterator[tuple[str, int, int | None]]:
    """Name, value and bound of everything that needs no running appliance."""
    files, imports = product_files(), package_imports()
    sizes = [line_count(path) for path in files]
    circles = cycles(imports)
    yield "Python files of the product", len(files), 950
    yield "Python files of appliance/contracts", len(product_files("appliance/contracts")), 26
    yield "lines of the product", sum(sizes), 158_000
    yield "cycles between packages", len(circles), 0
    if not circles:
        yield "levels of packages", len(longest_chain(imports)), 11
    yield "public class names defined twice in appliance", len(repeated_classes()), 0
    yield "empty module names in more than one package", len(repeated_empty_names()), 0
    yield f"functions of more than {LONG_FUNCTION} lines", len(long_functions()), None
    yield f"files of more than {LARGE_FILE} lines", sum(size > LARGE_FILE for size in sizes), None
    yield f"files of {SMALL_FILE} lines or fewer", sum(size <= SMALL_FILE for size in sizes), None
    numbered = sum(len(_ROW_NUMBER.findall(path.read_text(encoding="utf-8"))) for path in files)
    yield "columns of the database by number", numbered, None


def main() -> int:
    """Prints the table; 0 when every bound is kept."""
    # Imported here: only this figure needs an appliance.
    from tests.signing_path import files_to_the_signature  # noqa: PLC0415

    path = files_to_the_signature()
    rows = [*figures(), ("files from GET …/activated to the CMS", len(path), 27)]
    for name, value, bound in rows:
        said = "" if bound is None else f"at most {bound:,}" + ("" if value <= bound else "  NOT KEPT")
        sys.stdout.write(f"{name:<48} {value:>7,}  {said}\n")
    if "--details" in sys.argv:
        _write_details(path)
    return 0 if all(bound is None or value <= bound for _, value, bound in rows) else 1


def _write_details(path: list[str]) -> None:
    details: list[tuple[str, list[str]]] = [
        ("The longest chain of packages", longest_chain(package_imports())),
        ("Classes defined twice", [f"{name}: {', '.join(places)}" for name, places in repeated_classes().items()]),
        ("Empty names", [f"{name}: {', '.join(places)}" for name, places in repeated_empty_names().items()]),
        ("Long functions", [f"{name} ({length})" for name, length in long_functions()]),
        ("The way to the CMS", path),
    ]
    for title, lines in details:
        sys.stdout.write("\n".join(["", title, *(f"  {line}" for line in lines), ""]))


if __name__ == "__main__":
    sys.exit(main())
