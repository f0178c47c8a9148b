"""Typesetting: whole HTML pages of ours become PDFs, each in a process of its own behind walls."""

from appliance.typesetting.typesetter import TypesettingFailure, page_template, typeset

__all__ = ["TypesettingFailure", "page_template", "typeset"]
