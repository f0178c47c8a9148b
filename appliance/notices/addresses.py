"""The page that a message leads to; links that let somebody in are made when it is sent, never stored."""

from __future__ import annotations

from collections.abc import Callable

from appliance.accounts.links import LinkTokens
from appliance.errors import NotFound
from appliance.model.accounts import AccountLink, LinkPurpose
from appliance.model.contract import GUEST_PREFIX
from appliance.model.guest import GuestInvitation
from appliance.model.notice import Notice, NoticeKind, Reminder, ReminderRole
from appliance.store import guests
from appliance.store.database import Transaction

_LETS_IN = {
    NoticeKind.INVITED: ("welcome", LinkPurpose.WELCOME),
    NoticeKind.RECOVERY: ("recover", LinkPurpose.RECOVER),
}
_PAGES = {
    NoticeKind.YOUR_TURN: "/contracts/{contract}/sign",
    NoticeKind.SEAL_TURN: "/contracts/{contract}/sign",
    NoticeKind.GUEST_ARRIVED: "/contracts/{contract}/guests/{about}",
    NoticeKind.GUEST_LOCKED: "/contracts/{contract}/guests/{about}",
    NoticeKind.GUEST_ASKS: "/contracts/{contract}/guests/{about}",
    NoticeKind.SEAL_REQUESTED: "/seals/requests/{about}",
    NoticeKind.SEAL_APPROVED: "/seals/requests/{about}",
    NoticeKind.SEAL_REFUSED: "/seals/requests/{about}",
    NoticeKind.SEAL_LAPSED: "/seals/requests/{about}",
    NoticeKind.ENROLMENT_WAITING: "/office",
    NoticeKind.CERTIFICATE_TO_END: "/office/people/{about}",
    NoticeKind.ACT_WAITING: "/office/acts/{about}",
    NoticeKind.OFFICER_RECOVERY: "/office",
    NoticeKind.ENROLLED: "/",
    NoticeKind.ENROLMENT_REFUSED: "/settings",
}
_CONTRACT = "/contracts/{contract}"


InvitationOf = Callable[[Transaction, str], GuestInvitation]
"""The invitation whose link leads a guest (subject) in; raises :class:`NotFound`. It may make a new one."""


class PortalAddresses:
    """Addresses of the portal that others reach at *public_url* (without a slash at its end).

    *invitation_of* chooses the link in a mail to a guest; without it, it is that of the invitation that holds.
    """

    def __init__(self, public_url: str, links: LinkTokens, invitation_of: InvitationOf = guests.of_person) -> None:
        self._public_url = public_url.rstrip("/")
        self._links = links
        self._invitation_of = invitation_of

    def notice_url(self, tx: Transaction, notice: Notice) -> str:
        """The whole address of the page that *notice* is about."""
        if notice.kind in _LETS_IN:
            room, purpose = _LETS_IN[notice.kind]
            return f"{self._public_url}/{room}/{self._links.token_of(purpose, notice.about)}"
        if notice.recipient.startswith(GUEST_PREFIX):
            return self._of_guest(tx, notice.recipient)
        page = _PAGES.get(notice.kind, _CONTRACT if notice.contract else "/")
        if page.endswith("{about}") and not notice.about:
            page = "/seals/requests"
        return self._public_url + page.format(contract=notice.contract, about=notice.about)

    def page_url(self, path: str) -> str:
        """The whole address of a page of the portal."""
        return self._public_url + path

    def reminder_url(self, tx: Transaction, reminder: Reminder) -> str:
        """The whole address of the page where what *reminder* asks for is done."""
        duty = reminder.duty
        if duty.person.startswith(GUEST_PREFIX):
            return self._of_guest(tx, duty.person)
        if duty.person.startswith("officer-"):
            return f"{self._public_url}/office/people/{duty.about}"
        if duty.role is ReminderRole.CUSTODIAN:
            return f"{self._public_url}/seals/requests/{duty.about}"
        return f"{self._public_url}/contracts/{reminder.contract}" + (
            "/sign" if duty.role is ReminderRole.SIGNER else ""
        )

    def _of_guest(self, tx: Transaction, guest: str) -> str:
        """Guests have no account: their way in is the link of their invitation, while there is one."""
        try:
            return self.invitation_url(self._invitation_of(tx, guest))
        except NotFound:
            return f"{self._public_url}/"

    def account_link_url(self, link: AccountLink) -> str:
        """The whole address at which the owner of an account uses *link*."""
        room = "welcome" if link.purpose is LinkPurpose.WELCOME else "recover"
        return f"{self._public_url}/{room}/{self._links.token_of(link.purpose, link.id)}"

    def invitation_url(self, invitation: GuestInvitation) -> str:
        """The whole address at which the guest of *invitation* comes in."""
        return f"{self._public_url}/guest/{self._links.token_of(LinkPurpose.GUEST, invitation.id)}"
