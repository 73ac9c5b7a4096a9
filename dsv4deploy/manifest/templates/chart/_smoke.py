"""Asks the service for one completion and fails where it is missing or garbage."""

import os
import sys

from dsv4deploy.completion.garbage import PROMPT, garbage
from dsv4deploy.completion.stream import ask

done = ask(os.environ["URL"], os.environ["MODEL"], PROMPT, timeout=float(os.environ["TIMEOUT"]))
print(done.text)
if done.error:
    sys.exit(done.error)
why = garbage(done.text, "count")
if why:
    sys.exit(f"garbage: {why}")
