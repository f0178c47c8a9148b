"""The shape of the code, as far as it is settled: a name has one meaning. What is left to do is listed, and the
list can only become shorter."""

from __future__ import annotations

from scripts import metrics

REPEATED_CLASSES = frozenset({"Actor", "Stamped"})
"""Public class names of ``appliance`` that two modules still define."""
REPEATED_MODULES = frozenset({"reading"})
"""Empty names that two modules still have."""


def test_no_public_class_name_is_defined_twice() -> None:
    found = metrics.repeated_classes()
    new = {name: places for name, places in found.items() if name not in REPEATED_CLASSES}
    assert not new, "give one of them another name"
    assert set(found) == REPEATED_CLASSES, "remove from REPEATED_CLASSES what is defined once"


def test_no_empty_module_name_is_in_two_packages() -> None:
    found = metrics.repeated_empty_names()
    new = {name: places for name, places in found.items() if name not in REPEATED_MODULES}
    assert not new, "name the module after its concept"
    assert set(found) == REPEATED_MODULES, "remove from REPEATED_MODULES what one package has"


def test_packages_import_each_other_in_one_direction() -> None:
    assert not metrics.cycles(metrics.package_imports())


def test_a_cycle_and_the_longest_chain_are_found() -> None:
    assert metrics.cycles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == [{"a", "b", "c"}]
    assert metrics.longest_chain({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == ["a", "b", "c"]
