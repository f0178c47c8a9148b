"""Where the sample contract keeps room for its three fields: beside what ``sample/contract.css`` lays out."""

from __future__ import annotations

from appliance.model.contract import Placement

LAST_PAGE = 2

FIRST = Placement(page=LAST_PAGE, x=10.5, y=62.5, width=36.0, height=8.0)
SECOND = Placement(page=LAST_PAGE, x=53.5, y=62.5, width=36.0, height=8.0)
SEAL = Placement(page=LAST_PAGE, x=10.5, y=72.5, width=20.0, height=14.2)

SAMPLE_PLACES = (FIRST, SECOND, SEAL)
