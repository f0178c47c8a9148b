"""The SCIM 2.0 server (RFC 7643, RFC 7644), by which an identity provider pushes people and groups.

The library for its models is loaded with the first request of a client that may ask: ``endpoints`` and
``requests`` do without it, all other modules do not.
"""
