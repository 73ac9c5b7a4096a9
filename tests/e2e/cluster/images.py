"""Container images made of this machine's files, as archives that containerd imports."""

from __future__ import annotations

import hashlib
import io
import json
import re
import subprocess
import sys
import sysconfig
import tarfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from parts import program

Files = Mapping[str, Path | bytes | str]
"""Files and folders by their path in an image: a copy of this machine's, content, or a link."""
_LINKED = ("bin", "lib", "lib64", "sbin")  # into /usr, as on this machine
PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_SHELL = (
    "awk",
    *("bash", "cat", "cp", "date", "dirname", "echo", "env", "getent", "grep", "head", "hostname"),
    *(
        "id",
        "ln",
        "ls",
        "mkdir",
        "pgrep",
        "ps",
        "rm",
        "sed",
        "seq",
        "sh",
        "sleep",
        "sort",
        "stat",
        "tail",
    ),
    *("tee", "timeout", "touch", "tr", "uname", "wc"),
)
_UNNEEDED = re.compile("config-.*|ensurepip|idlelib|lib2to3|site-packages|test|tkinter")


@dataclass(frozen=True)
class Image:
    """An image.

    Attributes:
        layers: as tar archives.
        config: what containers start unless they say otherwise, as the image specification has it.
    """

    layers: list[bytes]
    config: dict[str, Any] = field(default_factory=dict)


def layer(files: Files, folders: Iterable[str] = ()) -> bytes:
    """A layer with these files, and with empty folders that everybody may write."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name in folders:
            entry = tarfile.TarInfo(name)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o1777
            tar.addfile(entry)
        for name, source in files.items():
            if isinstance(source, Path):
                tar.add(source, name, filter=_plain)
                continue
            entry = tarfile.TarInfo(name)
            if isinstance(source, str):
                entry.type, entry.linkname = tarfile.SYMTYPE, source
                tar.addfile(entry)
            else:
                entry.size, entry.mode = len(source), 0o755
                tar.addfile(entry, io.BytesIO(source))
    return buffer.getvalue()


def _plain(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
    """A file as root's, with the same digest whenever it is packed; ``None`` leaves it out."""
    if entry.name.endswith("__pycache__"):
        return None
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    entry.mtime = 0
    return entry


def save(target: Path, images: Mapping[str, Image]) -> None:
    """Writes images, by their full names, to an archive as ``docker save`` does."""
    manifest, written = [], set()
    with tarfile.open(target, "w") as tar:

        def add(name: str, content: bytes) -> str:
            if name not in written:
                written.add(name)
                entry = tarfile.TarInfo(name)
                entry.size = len(content)
                tar.addfile(entry, io.BytesIO(content))
            return name

        for name, image in images.items():
            digests = [hashlib.sha256(each).hexdigest() for each in image.layers]
            config = json.dumps(
                {
                    "architecture": "amd64",
                    "os": "linux",
                    "config": image.config,
                    "rootfs": {
                        "type": "layers",
                        "diff_ids": [f"sha256:{each}" for each in digests],
                    },
                }
            ).encode()
            manifest.append(
                {
                    "Config": add(f"{hashlib.sha256(config).hexdigest()}.json", config),
                    "RepoTags": [name],
                    "Layers": [
                        add(f"{digest}.tar", content)
                        for digest, content in zip(digests, image.layers, strict=True)
                    ],
                }
            )
        add("manifest.json", json.dumps(manifest).encode())


def programs(*paths: Path) -> dict[str, Path | bytes | str]:
    """Programs of this machine at their own paths, and the shared libraries that they need."""
    found: dict[str, Path | bytes | str] = {name: f"usr/{name}" for name in _LINKED}
    for path in paths:
        linked = subprocess.run(["ldd", path], capture_output=True, text=True, check=False).stdout
        libraries = (Path(each) for each in re.findall(r"(/\S+) \(0x", linked))
        for each in (path, *libraries):
            found[_merged(each)] = each.resolve()
    return found


def _merged(path: Path) -> str:
    """A path in an image: what is in a linked folder is in /usr."""
    name = str(path).lstrip("/")
    return f"usr/{name}" if name.split("/")[0] in _LINKED else name


def go(path: str, binary: Path) -> Image:
    """An image with nothing but a program that needs no library, and what Go's own look for."""
    return Image(
        [layer({"etc/nsswitch.conf": b"hosts: files dns\n", path: binary}, ["tmp"])],
        {"Entrypoint": [f"/{path}"], "User": "65532:65532"},
    )


def system() -> bytes:
    """A layer with a shell, its usual programs, and the Python that runs the tests, bare."""
    python = Path(sys.base_prefix, "bin", f"python3.{sys.version_info.minor}")
    library = Path(sysconfig.get_path("stdlib"))
    modules = [path for path in library.iterdir() if not _UNNEEDED.fullmatch(path.name)]
    files = programs(
        python, *map(Path, map(program, _SHELL)), *(library / "lib-dynload").glob("*.so")
    )
    files |= {_merged(path): path for path in modules}
    files |= {
        "usr/bin/python3": f"/{_merged(python)}",
        "etc/passwd": b"root:x:0:0:root:/root:/bin/bash\n",
        "etc/nsswitch.conf": b"hosts: files dns\n",
    }
    return layer(files, ["tmp", "home", "root"])


def shell(system: bytes, files: Files, **config: Any) -> Image:
    """An image with :func:`system`'s layer and these files."""
    return Image([system, layer(files)], {"Env": [PATH], "Cmd": ["bash"], **config})
