"""Starts aiperf, in the Python that aiperf is installed in; standard library only.

Two things that aiperf's own command can't: the API key comes from the environment, for a command
line can be read by everyone on the machine, and aiperf ends with the process that started it, even
where that was killed: two of them would load one engine.
"""

import os
import signal
import sys
import threading

KEY = "DSV4DEPLOY_API_KEY"


def _end_with_parent() -> None:
    # The parent holds the other end of this pipe, and says nothing.
    while os.read(0, 1):
        pass
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    threading.Thread(target=_end_with_parent, daemon=True).start()
    key = os.environ.pop(KEY, "")
    sys.argv = ["aiperf", *sys.argv[1:], *(["--api-key", key] if key else [])]
    from aiperf.cli import app  # type: ignore[import-not-found]

    app()
