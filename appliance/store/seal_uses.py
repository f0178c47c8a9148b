"""The register of seal uses in the database: read only, page by page along the rows' own order."""

from __future__ import annotations

import json

from appliance.model.seals import SealUse, UseFilter
from appliance.store.database import Transaction
from hsm.rows import RowMapper, columns

_LINE = (
    "SELECT r.rowid AS number, r.id AS request, r.state, r.seal, s.organisation || ' ' || s.kind AS seal_name,"
    " r.contract, c.title, r.reason, p.name AS requester,"
    " (SELECT json_group_array(name) FROM (SELECT k.name FROM seal_approvals a JOIN people k"
    " ON k.subject = a.custodian WHERE a.request = r.id ORDER BY a.approved, a.custodian)) AS custodians,"
    " r.needed, r.asked, r.decided, i.act, c.pages,"
    " (x.page IS NOT NULL) + (SELECT count(*) FROM placements o WHERE o.party = r.party) AS places,"
    " x.cross_page IS NOT NULL AS crossing"
    " FROM seal_requests r JOIN seals s ON s.subject = r.seal JOIN contracts c ON c.id = r.contract"
    " JOIN people p ON p.subject = r.requester JOIN intents i ON i.id = r.intent JOIN parties x ON x.id = r.party"
    " WHERE r.rowid < ?1 AND (?2 IS NULL OR r.seal IN (SELECT value FROM json_each(?2)))"
    " AND (?3 IS NULL OR r.state = ?3) AND (?4 IS NULL OR r.asked >= ?4) AND (?5 IS NULL OR r.asked < ?5)"
    " AND (?6 = '' OR instr(c.title, ?6) OR c.id = ?6)"
    " ORDER BY r.rowid DESC LIMIT ?7"
)


def uses_page(tx: Transaction, wanted: UseFilter, *, before: int, limit: int) -> list[SealUse]:
    """At most *limit* lines with numbers below *before*, the newest first."""
    seals = None if wanted.seals is None else json.dumps(wanted.seals)
    since = None if wanted.since is None else wanted.since.isoformat()
    until = None if wanted.until is None else f"{wanted.until.isoformat()}U"  # after every time of that day
    values = (before, seals, wanted.state, since, until, wanted.words, limit)
    return _USES.all(tx.execute(_LINE, values))


_USES = RowMapper(SealUse, digest=columns(lambda intent: json.loads(intent)["digest"], "act"))
