"""Asks the service for one completion and fails where it is missing or garbage."""

import json
import os
import sys
import urllib.request

from dsv4deploy.completion.garbage import PROMPT, garbage

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
