"""The operator's actions, a module for each area, and the registry: every action there is. The console's lists,
``vermilion do`` and ``docs/actions.md`` are made from it, so that they cannot differ."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from appliance.administration.action import Action, ExecutedBy
from appliance.administration.actions import (
    accounts,
    cluster,
    directories,
    integration,
    keys,
    machine,
    service,
    webhooks,
)
from appliance.errors import NotFound
from appliance.model.administration import ROOT, Actor

_AREAS = (
    *(service.MAINTENANCE_ACTIONS, machine.ACTIONS, cluster.ACTIONS, service.ACTIONS, webhooks.ACTIONS),
    *(keys.ACTIONS, integration.ACTIONS, directories.ACTIONS, accounts.ACTIONS),
)


def _gathered() -> Mapping[str, Action]:
    found: dict[str, Action] = {}
    for action in (each for area in _AREAS for each in area):
        if action.name in found:
            raise ValueError(f"two actions are called {action.name}")
        found[action.name] = action
    return MappingProxyType(found)


REGISTRY: Mapping[str, Action] = _gathered()
"""By name, in the order in which they are shown."""


def find_action(name: str) -> Action:
    """The action *name*. Raises :class:`NotFound`."""
    if name not in REGISTRY:
        raise NotFound("There is no action {name}; `vermilion do --help` lists them.", name=name)
    return REGISTRY[name]


def may_ask(actor: Actor, action: Action) -> bool:
    """Whether *actor* may ask for *action*; root may ask for each."""
    return actor == ROOT or actor.role in action.who


def may_approve(actor: Actor, action: Action) -> bool:
    """Whether *actor* may be the second person; root may not: nobody knows who that is."""
    return actor.role in action.approvers


def actions_executed_by(hand: ExecutedBy) -> frozenset[str]:
    """The names of the actions that one process performs."""
    return frozenset(action.name for action in REGISTRY.values() if action.executed_by is hand)
