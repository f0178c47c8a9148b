"""Adapters that push an address book (企业微信, 钉钉) to the SCIM endpoint of Vermilion (``/scim/v2``, RFC 7644).

An adapter runs on a machine of the enterprise that reaches both. It reads the whole address book, compares it with
the users that the appliance lists, and pushes the differences. What it has not read whole it does not push.
"""
