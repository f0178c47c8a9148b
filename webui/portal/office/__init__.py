"""``/office`` and ``/setup``: officers register people and seals; auditors may read."""

from webui.portal.office import authorities, people, requests, retention, seals, setup
from webui.portal.office.forms import pages

__all__ = ["authorities", "pages", "people", "requests", "retention", "seals", "setup"]
