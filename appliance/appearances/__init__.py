"""Appearances: how people's signatures look (typed, drawn, from an image), and company seals as pictures.

What comes from a browser is strokes or a file; the picture is always made here, confined, and kept as PNG.
"""

from appliance.appearances.own import Appearances
from appliance.appearances.seals import Relation, SealPictures, SealView

__all__ = ["Appearances", "Relation", "SealPictures", "SealView"]
