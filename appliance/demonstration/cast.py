"""Who plays in the demonstration: people and companies that evidently do not exist."""

from __future__ import annotations

from appliance.language import Language
from appliance.model.people import Person, Seal, SealKind

ALPHA = "甲公司示例有限公司"
BETA = "乙公司示例有限公司"
ZONE = "Asia/Shanghai"


def _person(subject: str, name: str, organisation: str, email: str) -> Person:
    return Person(subject, name, organisation, email, Language.CHINESE, ZONE)


OFFICER = "officer-wang"
"""Enrols people and seals, by the ceremony's appointment; signs nothing."""

ZHANG = _person("person-zhang", "张示例", ALPHA, "zhang@alpha.example")
LI = _person("person-li", "李样本", BETA, "li@beta.example")
CUSTODIAN = _person("person-zhao", "赵保管", ALPHA, "zhao@alpha.example")
PEOPLE = (ZHANG, LI, CUSTODIAN)

CONTRACT_SEAL = Seal("seal-alpha-contract", ALPHA, SealKind.CONTRACT, (CUSTODIAN.subject,), 40.0)
"""Party A's seal: released by its custodian at the request of the person who signs for Party A."""
