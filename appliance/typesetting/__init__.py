"""Typesetting: whole HTML pages of ours become PDFs, each in a confined process of its own.

:mod:`appliance.typesetting.typesetter` is what the appliance uses. Nothing is imported here: each page's process
would load it, too.
"""
