"""Runs inside the browser's namespaces, by Debian's Python alone, and becomes the browser.

``listening.py PORT CHANNEL ASKED ANSWERED PROGRAM ARGUMENTS...``: a listener on the loopback interface in here is
handed out by the socket CHANNEL; ASKED and ANSWERED become descriptors 3 and 4, where Chromium has DevTools.
"""

import os
import resource
import socket
import sys

_MOST_FILES = 4096
"""Descriptors of each process inside."""


def main() -> None:
    port, channel, asked, answered = map(int, sys.argv[1:5])
    with socket.socket(fileno=channel) as way, socket.create_server(("127.0.0.1", port), backlog=128) as listener:
        socket.send_fds(way, [b"."], [listener.fileno()])
    os.dup2(asked, 3)
    os.dup2(answered, 4)
    os.close(asked)
    os.close(answered)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = _MOST_FILES if most == resource.RLIM_INFINITY else min(_MOST_FILES, most)
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
    os.execv(sys.argv[5], sys.argv[5:])  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    main()
