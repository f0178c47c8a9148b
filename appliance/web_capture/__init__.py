"""Web pages as evidence: a fresh browser visits an address, and a proxy records everything that it receives.

The browser (:mod:`appliance.web_capture.enclosure`) has namespaces of its own, in which nothing can be reached but
the recording proxy (:mod:`appliance.web_capture.recording_proxy`), by a socket that listens inside and is accepted
outside.
The proxy resolves each name once, refuses what is not to be visited (:mod:`appliance.web_capture.destinations`),
speaks TLS with the server, and writes requests and responses byte for byte into a WARC file
(:mod:`appliance.web_capture.warc`). What the browser does is asked of it by DevTools over a pipe
(:mod:`appliance.web_capture.devtools`, :mod:`appliance.web_capture.visiting`). See
docs/decisions/0098-web-captures.md.
"""
