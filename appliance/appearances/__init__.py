"""Appearances: how people's signatures look (typed, drawn, from an image), and company seals as pictures.

What comes from a browser is strokes or a file; the picture is always made here, confined, and kept as PNG.
"""

from appliance.appearances.seals import SealPictures, SealRelation, SealView
from appliance.appearances.signature_appearances import SignatureAppearances

__all__ = ["SealPictures", "SealRelation", "SealView", "SignatureAppearances"]
