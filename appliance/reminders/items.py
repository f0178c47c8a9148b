"""What a reminder says: gathered from the contract as it stands now."""

from __future__ import annotations

from datetime import date

from appliance.model.contract import Contract
from appliance.model.reminder import Occasion, Reminder, ReminderRole
from appliance.notices.addresses import PortalAddresses
from appliance.reminders import duties
from appliance.reminders.derivation import RulesOf
from appliance.reminders.letters import ReminderLine
from appliance.store import contract_dates, contracts, roll
from appliance.store.database import Transaction


class ReminderLines:
    """Gathers; *addresses* are those of the pages that reminders lead to."""

    def __init__(self, rules: RulesOf, addresses: PortalAddresses) -> None:
        self._rules = rules
        self._addresses = addresses

    def list_address(self) -> str:
        """Where all reminders are listed."""
        return self._addresses.page_url("/notices")

    def line_of_reminder(self, tx: Transaction, reminder: Reminder) -> ReminderLine:
        """The reminder with what its words need."""
        contract = contracts.load(tx, reminder.contract)
        return ReminderLine(
            reminder=reminder,
            title=contract.title,
            names=_names(tx, reminder, contract),
            day=_day(tx, reminder, contract),
            overdue=reminder.occasion is Occasion.SIGNING and reminder.made >= reminder.anchor,
            last=contract.deadline.at + self._rules(contract.kind).grace,
            address=self._addresses.reminder_url(tx, reminder),
        )


def _names(tx: Transaction, reminder: Reminder, contract: Contract) -> tuple[str, ...]:
    if reminder.duty.role is ReminderRole.STAND_IN:
        about = reminder.duty.about
        return (roll.names(tx, [about]).get(about, about),)
    return duties.names_of_late(tx, contract) if reminder.duty.role is ReminderRole.INITIATOR else ()


def _day(tx: Transaction, reminder: Reminder, contract: Contract) -> date | None:
    """The day of a date beyond signing."""
    dates = contract_dates.of_contract(tx, contract.id)
    return next((each.day for each in dates if each.kind is reminder.occasion), None)
