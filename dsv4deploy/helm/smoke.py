"""What ``helm test`` runs: asks the service for one completion, and fails if it is garbage.

The chart carries this file with the text of the imported modules in the place of their imports.
"""

import os
import sys

from ..completion.garbage import PROMPT, garbage
from ..completion.stream import ask


def printable(text: str) -> str:
    """Text of a server for a terminal, which would obey control characters: each is escaped."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


def main() -> None:
    """Reads URL, MODEL and TIMEOUT (in seconds) from the environment and prints the answer."""
    timeout = float(os.environ["TIMEOUT"])
    done = ask(os.environ["URL"], os.environ["MODEL"], PROMPT, timeout=timeout)
    print(printable(done.text))
    if done.error:
        sys.exit(printable(done.error))
    why = garbage(done.text, "count")
    if why:
        sys.exit(printable(f"garbage: {why}"))


if __name__ == "__main__":
    main()
