"""Web pages are captured by one small program, and a client asks it.

``vermilion-capture`` (``program.py``) starts a browser for one order and ends with it. It has a network, and
nothing else: no database, no documents, no authority; portal and scheduler, which have those, have no network.
``client.py`` is the other end of its socket. Where a capture may go never crosses that socket: the program reads
the settings itself (decision 100).
"""
