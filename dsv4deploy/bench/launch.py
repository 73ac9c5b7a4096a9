"""Starts aiperf, in the Python that aiperf is installed in; standard library only.

Three things that aiperf's own command can't: the API key comes from the environment, for a command
line can be read by everyone on the machine; aiperf ends with the process that started it, even
where that was killed, since two of them would load one engine; and then its temporary files go
too.
"""

import os
import shutil
import signal
import sys
import threading

KEY, SCRATCH = "DSV4DEPLOY_API_KEY", "DSV4DEPLOY_SCRATCH"


def _end_with_parent(scratch: str) -> None:
    # The parent holds the other end of this pipe, and says nothing.
    while os.read(0, 1):
        pass
    shutil.rmtree(scratch, ignore_errors=True)
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    key = os.environ.pop(KEY, "")
    sys.argv = ["aiperf", *sys.argv[1:], *(["--api-key", key] if key else [])]
    folder = os.environ.pop(SCRATCH)
    os.environ["TMPDIR"] = folder
    threading.Thread(target=_end_with_parent, args=(folder,), daemon=True).start()
    from aiperf.cli import app  # type: ignore[import-not-found]

    app()
