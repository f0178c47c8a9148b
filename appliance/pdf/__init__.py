"""PDF: inspect, place fields, prepare and fill signatures, archive, render. The only user of pyHanko.

Workflows use :class:`appliance.pdf.workshop.PdfWorkshop`; what touches untrusted bytes runs confined.
"""
