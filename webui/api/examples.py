"""Examples of what clients send, by operation and name, for the document; all people and companies are
fictional."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

EXAMPLES: Final[Mapping[str, Mapping[str, Any]]] = {
    "token": {
        "secret": {"grant_type": "client_credentials", "client_id": "client-erp", "client_secret": "…"},
        "fewer scopes": {"grant_type": "client_credentials", "scope": "contracts:read"},
    },
    "draft_contract": {
        "purchase": {
            "title": "设备采购合同",
            "kind": "采购",
            "purpose": "采购示例设备",
            "initiator": "zhang@alpha.example",
            "deadline": {"at": "2026-12-31T18:00:00+08:00", "zone": "Asia/Shanghai"},
            "amount": {"value": "1000000.00", "currency": "CNY"},
            "document": "JVBERi0xLjcK",
        }
    },
    "draft_from_template": {
        "purchase": {
            "initiator": "zhang@alpha.example",
            "title": "设备采购合同",
            "fields": {"价格": "1000000.00", "交货": "2026-12-31", "含税": True},
            "parties": {
                "乙方": {"name": "李样本", "organisation": "丙公司示例有限公司", "email": "li@beta.example"}
            },
        }
    },
    "create_batch": {
        "two rows": {
            "template": "0123456789abcdef01234567",
            "initiator": "zhang@alpha.example",
            "send": True,
            "rows": [
                {
                    "parties": {"乙方": {"name": "李样本", "email": "li@beta.example"}},
                    "fields": {"价格": "1000000.00"},
                    "reference": "PO-4711",
                },
                {
                    "parties": {"乙方": {"name": "陈外部", "email": "chen@gamma.example"}},
                    "fields": {"价格": "99.50"},
                    "deadline": "2026-12-31",
                    "reference": "PO-4712",
                },
            ],
        }
    },
    "create_deposit_batch": {
        "two rows": {
            "depositor": "zhang@alpha.example",
            "declaration": {"version": "1", "by": "zhang@alpha.example", "obtained": "2026-11-30"},
            "rows": [
                {
                    "file": {"sha256": "a1" * 32, "name": "照片/0001.jpg", "size": 1024},
                    "kind": "photograph",
                    "creation": "original",
                    "holder": {"kind": "depositor"},
                },
                {
                    "file": {"sha256": "b2" * 32},
                    "title": "设计图",
                    "kind": "drawing",
                    "creation": "employee",
                    "holder": {"kind": "organisation", "name": "甲公司示例有限公司"},
                    "completed": "2026-11-01",
                },
            ],
        }
    },
    "change_contract": {"title": {"title": "设备采购合同（修订）"}, "no amount": {"amount": None}},
    "add_party": {
        "person": {"kind": "person", "person": "person-zhang"},
        "seal": {"kind": "seal", "seal": "seal-alpha-contract", "requester": "person-zhang"},
        "outside": {
            "kind": "outside",
            "name": "李样本",
            "organisation": "丙公司示例有限公司",
            "email": "li@beta.example",
            "phone": "+86 138 0000 0000",
            "language": "zh",
        },
    },
    "place_party": {"last page": {"places": [{"page": 3, "x": 10.5, "y": 62.5, "width": 36, "height": 8}]}},
    "send_contract": {"as it is": {}},
    "recall_contract": {"reason": {"reason": "价格有误，重新起草"}},
    "extend_contract": {
        "another month": {"deadline": {"at": "2027-01-31T18:00:00+08:00", "zone": "Asia/Shanghai"}}
    },
    "propose_voiding": {"reason": {"reason": "双方同意不再履行"}},
    "draft_amendment": {
        "termination": {"kind": "termination", "effective": "2027-01-31"},
        "supplement": {"kind": "supplement", "effective": "2027-01-01", "content": "交货期延长至二〇二七年三月。"},
    },
    "register_power": {
        "letter": {
            "initiator": "zhang@alpha.example",
            "basis": "letter",
            "grantor": "乙公司示例有限公司",
            "principal": "李样本",
            "agent": "person-li",
            "since": "2026-12-01T00:00:00+08:00",
            "until": "2027-12-01T00:00:00+08:00",
            "kinds": ["采购"],
            "limit": {"value": "1000000.00", "currency": "CNY"},
            "document": "JVBERi0xLjcK",
        }
    },
    "verify": {
        "document": {"file": "JVBERi0xLjcK", "name": "合同.pdf"},
        "timestamp": {"file": "MAMCAQI=", "data": "5ZCI5ZCM"},
    },
    "make_timestamp": {
        "digest": {"digest": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    },
    "change_webhook": {"ends alone": {"types": ["contract.completed", "contract.recalled"]}, "all": {"types": []}},
    "enable_webhook": {"what was missed, too": {}, "from now": {"from_now": True}},
    "replay_webhook": {"three entries": {"first": 17, "last": 19}},
}
