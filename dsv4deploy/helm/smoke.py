"""What ``helm test`` runs: asks the service for one completion, and fails if it is garbage.

The chart carries this file with the text of the imported module in the place of the import.
"""

import json
import os
import sys
import urllib.request

from ..completion.garbage import PROMPT, garbage


def main() -> None:
    """Reads URL, MODEL and TIMEOUT (in seconds) from the environment and prints the answer."""
    request = urllib.request.Request(
        os.environ["URL"],
        json.dumps(
            {
                "model": os.environ["MODEL"],
                "messages": [{"role": "user", "content": PROMPT}],
                "max_tokens": 64,
                "temperature": 0,
            }
        ).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=float(os.environ["TIMEOUT"])) as response:
        text = json.load(response)["choices"][0]["message"]["content"] or ""
    print(text)
    why = garbage(text, "count")
    if why:
        sys.exit(f"garbage: {why}")


if __name__ == "__main__":
    main()
