"""``python -m dsv4deploy`` is ``dsv4deploy``."""

from .cli import main

main()
