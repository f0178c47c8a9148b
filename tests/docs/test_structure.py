"""The shape of the code: a name has one meaning, and packages import each other in one direction."""

from __future__ import annotations

from scripts import metrics


def test_no_public_class_name_is_defined_twice() -> None:
    assert not metrics.repeated_classes(), "give one of them another name"


def test_no_empty_module_name_is_in_two_packages() -> None:
    assert not metrics.repeated_empty_names(), "name the module after its concept"


def test_packages_import_each_other_in_one_direction() -> None:
    assert not metrics.cycles(metrics.package_imports())


def test_a_cycle_and_the_longest_chain_are_found() -> None:
    assert metrics.cycles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == [{"a", "b", "c"}]
    assert metrics.longest_chain({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == ["a", "b", "c"]
