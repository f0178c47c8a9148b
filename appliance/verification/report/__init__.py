"""The report for people: one HTML file that needs nothing else, or a PDF of the same, in Chinese or English."""

from appliance.verification.report.rendering import render_html, render_pdf

__all__ = ["render_html", "render_pdf"]
