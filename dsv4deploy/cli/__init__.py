"""The command line: one function a verb, data on stdout, talk on stderr.

Exit codes: 0 clean, 1 findings or a failure, 2 a command line that can't be read.
"""

from __future__ import annotations

import errno
import os
import sys

import click

from ..errors import DeployError
from . import (  # noqa: F401 - each registers its verbs
    bench,
    charts,
    clusters,
    configuration,
    keys,
    why,
)
from .root import cli
from .shared import say


def main() -> None:
    """The entry point: the one place where errors become a sentence and an exit code."""
    try:
        cli(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except DeployError as error:
        say(str(error))
        sys.exit(1)
    except click.Abort:
        say("interrupted")
        sys.exit(130)
    except BrokenPipeError:
        # The reader (head, less) has gone: not a failure, and nothing left to say.
        sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115
        sys.exit(0)
    except OSError as error:
        if error.filename:
            say(f"{error.filename}: {error.strerror}")
        elif error.errno == errno.ENOSPC:
            say(f"stdout: can't write: {error.strerror}")
            # What stdout did not take, Python would try to write once more at its end.
            sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115
        else:
            say(str(error))
        sys.exit(1)
