"""Signed messages (CMS, RFC 5652) with the attributes of CAdES and PAdES baseline (ETSI EN 319 122, 142)."""

from hsm.cms.build import MessageMaker, activated_by, media_type_attribute, sign_detached
from hsm.cms.signed_data import (
    DATA,
    TST_INFO,
    CmsMessage,
    MessageHash,
    SignatureRefused,
    add_signature_timestamp,
    message_digest,
    parse,
    signature_value,
)
from hsm.cms.verify import signer_certificate, verify

__all__ = [
    "DATA",
    "TST_INFO",
    "CmsMessage",
    "MessageHash",
    "MessageMaker",
    "SignatureRefused",
    "activated_by",
    "add_signature_timestamp",
    "media_type_attribute",
    "message_digest",
    "parse",
    "sign_detached",
    "signature_value",
    "signer_certificate",
    "verify",
]
