"""``POST /tsa``: RFC 3161 over HTTP (3.4), as a process of its own."""
