"""Serves one WSGI application on a loopback port of the system's choice, until standard input closes.

Whoever starts it holds the other end of standard input. When that process ends, in whatever way, the
pipe closes and this one ends too: no signal, no list of processes, nothing that could be forgotten.
"""

import importlib
import os
import sys
import threading


def end_with_the_host():
    sys.stdin.buffer.read()
    os._exit(0)


threading.Thread(target=end_with_the_host, daemon=True).start()

from waitress import create_server  # noqa: E402 - the import takes long, and the host may die in it

module, attribute = sys.argv[1].split(":")
sys.path.insert(0, os.getcwd())
application = getattr(importlib.import_module(module), attribute)
server = create_server(application, host="127.0.0.1", port=0)
print(server.effective_port, flush=True)
server.run()
