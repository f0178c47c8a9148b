"""Which files a signature goes through in the portal's process, from the handler that a signer comes back to after
activating, to the CMS on disk."""

from __future__ import annotations

import sys
import threading
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from types import FrameType

from appliance.contracts.crash_safety import Failpoint
from appliance.contracts.drafting import DraftTerms
from appliance.demonstration.participants import ZHANG, ZONE
from appliance.model.contract import Deadline
from tests.portal import signing_visits
from tests.portal.conftest import portal_of
from tests.portal.visitors import signed_in
from tests.world import sample_document, shared_world

ROOT = Path(__file__).parents[1]
_PAGE = ROOT / "webui/portal/signing/page.py"
HANDLERS = {(_PAGE, "activated")}
PRODUCT = ("hsm", "appliance", "webui")


@dataclass
class Recorder:
    """Notes the files of functions that are called by the handlers, until :meth:`reach`."""

    files: list[str] = field(default_factory=list)
    within: bool = False
    ended: bool = False

    def __call__(self, frame: FrameType, event: str, _argument: object) -> None:
        if event not in ("call", "return") or self.ended:
            return
        code = frame.f_code
        path = Path(code.co_filename)
        if (path, code.co_name) in HANDLERS:
            self.within = event == "call"
        if self.within and path.is_relative_to(ROOT):
            name = str(path.relative_to(ROOT))
            if name.startswith(PRODUCT) and name not in self.files:
                self.files.append(name)

    def reach(self, failpoint: Failpoint) -> None:
        """Ends the notes when the CMS is on disk."""
        self.ended = self.ended or failpoint is Failpoint.CMS_PERSISTED


def files_to_the_signature() -> list[str]:
    """The product's files in the order in which they are reached first, when a person signs in the portal."""
    recorder = Recorder()
    with shared_world() as world, world.opened(reach=recorder.reach) as appliance:
        portal = portal_of(appliance, appliance.authority)
        browser = signed_in(portal, appliance, ZHANG.subject)
        deadline = Deadline(appliance.now() + timedelta(days=3), ZONE)
        terms = DraftTerms(title="示例", kind="服务", purpose="示例", initiator=ZHANG.subject, deadline=deadline)
        draft = appliance.drafting.draft(sample_document(2), terms)
        appliance.drafting.add_person(draft.id, subject=ZHANG.subject, by=ZHANG.subject)
        contract = appliance.sending.send(draft.id, by=ZHANG.subject)
        threading.setprofile(recorder)
        sys.setprofile(recorder)
        try:
            signed = signing_visits.sign(browser, appliance, ZHANG.subject, f"/contracts/{contract.id}/sign")
        finally:
            sys.setprofile(None)
            threading.setprofile(None)  # type: ignore[arg-type]
    if signed.status_code != 303 or not recorder.ended:
        raise RuntimeError(f"the portal answered {signed.status_code}, the signature was not made")
    return recorder.files
