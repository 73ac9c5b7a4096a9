"""Asks the service for one completion and fails where it is missing or garbage."""

import json
import os
import sys
import urllib.request

request = urllib.request.Request(
    os.environ["URL"],
    json.dumps(
        {
            "model": os.environ["MODEL"],
            "messages": [{"role": "user", "content": "Count from one to five in English words."}],
            "max_tokens": 64,
            "temperature": 0,
        }
    ).encode(),
    {"Content-Type": "application/json"},
)
with urllib.request.urlopen(request, timeout=float(os.environ["TIMEOUT"])) as response:
    text = json.load(response)["choices"][0]["message"]["content"] or ""
print(text)
words = [word.strip(".,:;!?*").lower() for word in text.split()]
found = [word for word in ("one", "two", "three", "four", "five") if word in words]
if len(found) < 4:
    sys.exit(f"garbage: the answer holds {len(found)} of the five words asked for")
