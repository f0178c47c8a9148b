"""Typesetting: whole HTML pages of ours become PDFs, each in a process of its own behind walls."""

from appliance.typesetting.press import PATIENCE, Manner, Unset, typeset

__all__ = ["PATIENCE", "Manner", "Unset", "typeset"]
