"""The organisation's directory and its identity provider: one small program asks them, and a client asks it.

The portal has no network. ``vermilion-directory`` (``program.py``) has one, and nothing else: no database, no
documents, no authority. It answers one request and ends; ``client.py`` is the other end of its socket. Addresses
and secrets never cross that socket: the program reads the settings itself (decision 81).
"""
