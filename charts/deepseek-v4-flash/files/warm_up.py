"""Asks the engine beside it for one completion after each of its starts, and then makes a file.

The readiness probe of this container looks for the file. Arguments: the engine's port, the model's
name, the file. Python's standard library is all it needs.
"""

import http.client
import json
import pathlib
import signal
import sys
import time

PORT, MODEL, FILE = int(sys.argv[1]), sys.argv[2], pathlib.Path(sys.argv[3])
REQUEST = {"model": MODEL, "prompt": "Hello", "max_tokens": 16}


def ask(method: str, path: str, body: str, timeout: float) -> None:
    """One request. Raises OSError or HTTPException where it is not answered with 200."""
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=timeout)
    connection.request(method, path, body, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    if answer.status != 200:
        raise OSError(f"{path} is {answer.status}: {text[:200]!r}")


def look() -> None:
    """Asks for a completion where none has been answered since the engine's start."""
    try:
        ask("GET", "/health", "", 10)
        if not FILE.exists():
            ask("POST", "/v1/completions", json.dumps(REQUEST), 600)
            FILE.touch()
            print("warm", flush=True)
    except ConnectionRefusedError:  # it starts
        FILE.unlink(missing_ok=True)
    except (OSError, http.client.HTTPException) as error:  # it may be busy
        print(error, flush=True)


# The first process of a container has no default way to end.
signal.signal(signal.SIGTERM, lambda *_: sys.exit())
while True:
    look()
    time.sleep(2)
