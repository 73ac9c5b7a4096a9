"""Atomic writes of files."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from .errors import DeployError


def write_files(contents: Mapping[Path, str | bytes]) -> None:
    """Writes every file, or none of them: a full disk leaves what was there before.

    Each file is written to a temporary file next to its target, which then replaces the target. It
    keeps the mode of the existing file, or gets the mode that the umask gives. For a link, the
    target of the link is replaced. Devices and pipes are written directly.

    Raises:
        DeployError: a file can't be written.
    """
    pending: list[tuple[Path, Path, Path]] = []
    path = Path()
    try:
        streams = [path for path in contents if path.exists() and not path.is_file()]
        for path in (path for path in contents if path not in streams):
            target = Path(os.path.realpath(path))
            target.parent.mkdir(parents=True, exist_ok=True)
            whole = target.with_name(f".{target.name}.{os.urandom(4).hex()}")
            pending.append((whole, target, path))
            with whole.open("xb") as file:
                if target.exists():
                    whole.chmod(target.stat().st_mode & 0o777)
                file.write(_bytes(contents[path]))
        for path in streams:
            path.write_bytes(_bytes(contents[path]))
        while pending:
            whole, target, path = pending[0]
            whole.replace(target)
            pending.pop(0)
    except OSError as error:
        raise DeployError(f"{path}: cannot write: {error.strerror}") from None
    finally:
        for whole, *_ in pending:
            with suppress(OSError):
                whole.unlink()


def _bytes(content: str | bytes) -> bytes:
    return content.encode() if isinstance(content, str) else content
