"""The part of verification that reads PDFs: where the signatures are, what they cover, and what came after them.

It judges no certificate and no cryptography; that is :mod:`appliance.verification`. Everything here runs confined.
"""
