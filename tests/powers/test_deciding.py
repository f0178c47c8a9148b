"""Which power covers what: each limit refuses by itself, and no combination of powers goes further than one."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.model.contract import Money
from appliance.model.powers import Power, PowerBasis, PowerScope, RecordedAction
from appliance.powers.coverage import CoverageOutcome, CoverageQuery, CoverageTest, decide_coverage
from tests.powers.samples import AGENT, ALPHA, BETA, DAY, GAMMA, MILLION, NOON, matter, power


def refused_for(decided: object, test: CoverageTest) -> str:
    assert decided.outcome is CoverageOutcome.REFUSED  # type: ignore[attr-defined]
    failed = decided.considered[0].failed  # type: ignore[attr-defined]
    assert [each.test for each in failed] == [test]
    return str(decided.words)  # type: ignore[attr-defined]


def test_without_a_demand_nothing_is_asked() -> None:
    assert decide_coverage(matter(needed=False), []).outcome is CoverageOutcome.NOT_NEEDED
    assert decide_coverage(matter(organisation=""), []).outcome is CoverageOutcome.NOT_NEEDED


def test_nobody_signs_for_an_organisation_without_a_power() -> None:
    decided = decide_coverage(matter(), [power(grantor=BETA), power(2, agent="person-2")])
    assert decided.outcome is CoverageOutcome.REFUSED
    assert decided.considered == ()
    assert "张示例 is not registered as legal representative of 甲公司示例有限公司" in str(decided.words)


def test_a_letter_that_covers_it_is_named() -> None:
    decided = decide_coverage(matter(), [power()])
    assert decided.outcome is CoverageOutcome.COVERED
    assert decided.chosen is not None
    assert decided.chosen.power.id in str(decided.words)
    assert {each.test for each in decided.chosen.findings} == set(CoverageTest)


def test_the_legal_representative_needs_no_letter_and_has_no_limit() -> None:
    by_law = power(2, basis=PowerBasis.LEGAL_REPRESENTATIVE)
    decided = decide_coverage(matter(seal="seal-1", amount=None), [power(scope=PowerScope(limit=MILLION)), by_law])
    assert decided.outcome is CoverageOutcome.LEGAL_REPRESENTATIVE
    assert decided.chosen is not None
    assert decided.chosen.power is by_law


@pytest.mark.parametrize(
    ("changes", "test", "said"),
    [
        ({"verified": None}, CoverageTest.VALIDITY, "not verified"),
        ({"verified": RecordedAction("person-9", NOON + DAY)}, CoverageTest.VALIDITY, "not verified"),
        (
            {"verified": None, "refused": RecordedAction("person-9", NOON - DAY, "falsch")},
            CoverageTest.VALIDITY,
            "revoked or refused",
        ),
        ({"revoked": RecordedAction("person-9", NOON, "withdrawn")}, CoverageTest.VALIDITY, "revoked or refused"),
        ({"since": NOON + DAY}, CoverageTest.TERM, "begins only on 2026-11-26 12:00"),
        ({"until": NOON}, CoverageTest.TERM, "ended on 2026-11-25 12:00 UTC+08:00 (Asia/Shanghai)"),
        (
            {"until": NOON - timedelta(hours=12)},
            CoverageTest.TERM,
            "The last day of power of attorney power-000000000001 is 2026-11-24 UTC+08:00 (Asia/Shanghai)",
        ),
        ({"scope": PowerScope(kinds=("租赁合同",))}, CoverageTest.KIND, "not “采购合同”"),
        ({"scope": PowerScope(counterparties=(GAMMA,))}, CoverageTest.COUNTERPARTIES, f"not with {BETA}"),
        ({"scope": PowerScope(limit=Money(99_999_999, "CNY"))}, CoverageTest.AMOUNT, "CNY 999,999.99"),
        ({"scope": PowerScope(limit=Money(10**15, "USD"))}, CoverageTest.AMOUNT, "two currencies"),
    ],
)
def test_each_limit_refuses_with_its_reason(changes: dict[str, object], test: CoverageTest, said: str) -> None:
    assert said in refused_for(decide_coverage(matter(), [power(**changes)]), test)


def test_a_limit_takes_an_amount_unless_policy_says_otherwise() -> None:
    limited = power(scope=PowerScope(limit=MILLION))
    assert "states no amount" in refused_for(decide_coverage(matter(amount=None), [limited]), CoverageTest.AMOUNT)
    assert decide_coverage(matter(amount=None, amount_needed=False), [limited]).outcome is CoverageOutcome.COVERED


def test_a_seal_is_covered_only_when_it_is_named() -> None:
    assert "does not name this seal" in refused_for(
        decide_coverage(matter(seal="seal-1"), [power()]), CoverageTest.SEAL
    )
    named = power(scope=PowerScope(seals=("seal-1",)))
    assert decide_coverage(matter(seal="seal-1"), [named]).outcome is CoverageOutcome.COVERED
    assert decide_coverage(matter(seal="seal-2"), [named]).outcome is CoverageOutcome.REFUSED


def test_the_type_may_be_named_by_any_of_its_names_and_in_any_width() -> None:
    for name in ("采购", "采购合同", " 采购 合同"):
        assert (
            decide_coverage(matter(), [power(scope=PowerScope(kinds=(name,)))]).outcome is CoverageOutcome.COVERED
        )
    widths = power(grantor="Ａｌｐｈａ（Shanghai） Ltd")
    assert decide_coverage(matter(organisation="alpha(shanghai)ltd"), [widths]).outcome is CoverageOutcome.COVERED


def test_every_counterparty_must_be_named() -> None:
    named = power(scope=PowerScope(counterparties=(BETA,)))
    assert decide_coverage(matter(), [named]).outcome is CoverageOutcome.COVERED
    assert decide_coverage(matter(counterparties=(BETA, GAMMA)), [named]).outcome is CoverageOutcome.REFUSED


def test_two_powers_are_never_added() -> None:
    half = PowerScope(limit=Money(60_000_000, "CNY"))
    for_beta, for_gamma = (
        power(scope=PowerScope(counterparties=(BETA,))),
        power(2, scope=PowerScope(counterparties=(GAMMA,))),
    )
    assert decide_coverage(matter(), [power(scope=half), power(2, scope=half)]).outcome is CoverageOutcome.REFUSED
    assert (
        decide_coverage(matter(counterparties=(BETA, GAMMA)), [for_beta, for_gamma]).outcome
        is CoverageOutcome.REFUSED
    )


def test_a_narrower_power_takes_nothing_away_and_the_lowest_limit_is_used() -> None:
    wide, narrow = power(), power(2, scope=PowerScope(limit=MILLION))
    too_narrow = power(3, scope=PowerScope(limit=Money(1, "CNY")))
    decided = decide_coverage(matter(), [wide, too_narrow, narrow])
    assert decided.chosen is not None
    assert decided.chosen.power is narrow
    assert (
        decide_coverage(matter(amount=Money(2 * MILLION.minor, "CNY")), [wide, too_narrow, narrow]).chosen.power
        is wide
    )  # type: ignore[union-attr]


def test_a_letter_that_replaces_earlier_ones_ends_them_for_good() -> None:
    wide = power(since=NOON - 10 * DAY)
    narrow = power(2, replaces=True, scope=PowerScope(limit=Money(1, "CNY")))
    assert decide_coverage(matter(), [wide, narrow]).outcome is CoverageOutcome.REFUSED
    revoked = replace(narrow, revoked=RecordedAction("person-9", NOON - DAY / 2))
    assert decide_coverage(matter(), [wide, revoked]).outcome is CoverageOutcome.REFUSED, (
        "nothing comes back to life"
    )
    for harmless in (
        replace(narrow, verified=None),
        replace(narrow, since=NOON + DAY),
        replace(narrow, grantor=BETA),
        replace(narrow, agent="person-2"),
    ):
        assert decide_coverage(matter(), [wide, harmless]).outcome is CoverageOutcome.COVERED
    by_law = replace(wide, basis=PowerBasis.LEGAL_REPRESENTATIVE)
    assert decide_coverage(matter(), [by_law, narrow]).outcome is CoverageOutcome.LEGAL_REPRESENTATIVE


def test_the_refusal_is_that_of_the_power_that_lacks_least() -> None:
    far = power(until=NOON, scope=PowerScope(kinds=("租赁",), counterparties=(GAMMA,)))
    near = power(2, scope=PowerScope(limit=Money(1, "CNY")))
    assert "CNY 0.01" in str(decide_coverage(matter(), [far, near]).words)
    revoked = power(3, revoked=RecordedAction("person-9", NOON))
    assert "CNY 0.01" in str(decide_coverage(matter(), [revoked, near]).words)


# what holds for all powers

_MOMENTS = st.integers(-40, 40).map(lambda hours: NOON + hours * DAY / 24)
_ORGANISATIONS = st.sampled_from([ALPHA, BETA, GAMMA])
_AMOUNTS = st.none() | st.builds(Money, st.integers(0, 3), st.sampled_from(["CNY", "USD", "JPY"]))
_NAMES = st.lists(st.sampled_from(["采购", "租赁", "服务"]), max_size=2).map(tuple)
_SCOPES = st.builds(
    PowerScope,
    kinds=_NAMES,
    counterparties=st.lists(_ORGANISATIONS, max_size=2).map(tuple),
    limit=_AMOUNTS,
    seals=st.lists(st.sampled_from(["seal-1", "seal-2"]), max_size=1).map(tuple),
)
_DONE = st.none() | _MOMENTS.map(lambda at: RecordedAction("person-9", at, "x"))


@st.composite
def powers_of_all_kinds(draw: st.DrawFn) -> Power:
    since = draw(_MOMENTS)
    return power(
        draw(st.integers(1, 10**6)),
        basis=draw(
            st.sampled_from(
                [
                    PowerBasis.INSTRUMENT,
                    PowerBasis.INSTRUMENT,
                    PowerBasis.CONTRACT,
                    PowerBasis.LEGAL_REPRESENTATIVE,
                ]
            )
        ),
        grantor=draw(_ORGANISATIONS),
        agent=draw(st.sampled_from([AGENT, "person-2"])),
        scope=draw(_SCOPES),
        since=since,
        until=since + draw(st.integers(1, 60)) * DAY / 24,
        replaces=draw(st.booleans()),
        verified=draw(_DONE),
        revoked=draw(_DONE),
    )


_MATTERS = st.builds(
    matter,
    kinds=st.lists(st.sampled_from(["采购", "租赁", "服务"]), min_size=1, max_size=2).map(tuple),
    counterparties=st.lists(_ORGANISATIONS, max_size=2, unique=True).map(tuple),
    amount=_AMOUNTS,
    seal=st.sampled_from([None, "seal-1", "seal-2", "seal-3"]),
    now=_MOMENTS,
    amount_needed=st.booleans(),
)


def excluded(one: Power, asked: CoverageQuery) -> bool:
    """Whether any limit of *one* keeps it from *asked*; written down apart from the rules that are tested."""
    out_of_force = one.verified is None or one.verified.at > asked.now or one.revoked is not None
    out_of_term = not one.since <= asked.now < one.until
    elsewhere = one.grantor != asked.organisation or one.agent != asked.agent
    if one.basis is PowerBasis.LEGAL_REPRESENTATIVE:
        return out_of_force or out_of_term or elsewhere
    scope, limit = one.scope, one.scope.limit
    other_kind = bool(scope.kinds) and not set(asked.kinds) & set(scope.kinds)
    stranger = bool(scope.counterparties) and not set(asked.counterparties) <= set(scope.counterparties)
    too_much = (
        limit is not None
        and asked.amount is not None
        and (asked.amount.currency != limit.currency or asked.amount.minor > limit.minor)
    )
    unstated = limit is not None and asked.amount is None and asked.amount_needed
    no_seal = asked.seal is not None and asked.seal not in scope.seals
    return any((out_of_force, out_of_term, elsewhere, other_kind, stranger, too_much, unstated, no_seal))


@given(_MATTERS, st.lists(powers_of_all_kinds(), max_size=5, unique_by=lambda each: each.id))
def test_no_power_covers_what_any_of_its_limits_excludes(asked: CoverageQuery, known: list[Power]) -> None:
    decided = decide_coverage(asked, known)
    if decided.outcome is CoverageOutcome.REFUSED:
        assert decided.chosen is None
        assert str(decided.words)
    else:
        assert decided.chosen is not None
        assert not excluded(decided.chosen.power, asked)


@given(_MATTERS, st.lists(powers_of_all_kinds(), max_size=5, unique_by=lambda each: each.id), st.randoms())
def test_the_order_of_the_register_decides_nothing(
    asked: CoverageQuery, known: list[Power], chance: object
) -> None:
    shuffled = list(known)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    assert decide_coverage(asked, known) == decide_coverage(asked, shuffled)


@given(_MATTERS, powers_of_all_kinds())
def test_one_power_alone_covers_exactly_what_no_limit_excludes(asked: CoverageQuery, one: Power) -> None:
    assert (decide_coverage(asked, [one]).outcome is CoverageOutcome.REFUSED) == excluded(one, asked)


@given(_MATTERS, st.lists(powers_of_all_kinds(), max_size=4, unique_by=lambda each: each.id))
def test_revoking_never_lets_anybody_sign_more(asked: CoverageQuery, known: list[Power]) -> None:
    fewer = [replace(each, revoked=each.revoked or RecordedAction("person-9", asked.now)) for each in known]
    assert decide_coverage(asked, fewer).outcome is CoverageOutcome.REFUSED
