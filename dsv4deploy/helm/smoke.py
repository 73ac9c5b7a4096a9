"""What ``helm test`` runs: asks the service for one completion, and fails if it is garbage.

The chart carries this file with the text of the imported modules in the place of their imports.
"""

import os
import sys

from ..completion.garbage import PROMPT, garbage
from ..completion.stream import ask


def main() -> None:
    """Reads URL, MODEL and TIMEOUT (in seconds) from the environment and prints the answer."""
    timeout = float(os.environ["TIMEOUT"])
    done = ask(os.environ["URL"], os.environ["MODEL"], PROMPT, timeout=timeout)
    print(done.text)
    if done.error:
        sys.exit(done.error)
    why = garbage(done.text, "count")
    if why:
        sys.exit(f"garbage: {why}")


if __name__ == "__main__":
    main()
