"""Typesetting: whole HTML pages of ours become PDFs, each in a confined process of its own."""

from appliance.typesetting.typesetter import TypesettingFailure, page_template, typeset

__all__ = ["TypesettingFailure", "page_template", "typeset"]
