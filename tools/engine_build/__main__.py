"""Writes the facts of one build of the engine, for ``dsv4deploy/facts/builds``.

From the root of this repository::

    python -m tools.engine_build --vllm vllm-0.23.0.tar.gz --ascend ~/vllm-ascend --ref v0.23.0 \
        --name v0.23.0 --tag v0.23.0

``--vllm`` is a source archive of PyPI or a folder that holds ``vllm``, ``--ascend`` a clone of
vllm-ascend with ``--ref``, or a source archive. Without ``--ascend`` only vLLM's own facts are
written. docs/engine-builds.md says where the sources come from.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from dsv4deploy.facts.builds import FACTS, merged

from .ascend import (
    read_images,
    read_keys,
    read_planner,
    read_refusals,
    read_variables,
    refuses_unknown_keys,
)
from .vllm import read_vllm


def number(version: str) -> tuple[int, ...]:
    """A version's numbers, to sort by."""
    return tuple(map(int, re.findall(r"\d+", version)))


def difference(old: Any, new: Any) -> Any:
    """The JSON merge patch (RFC 7396) that makes the new mapping of the old one."""
    patch: dict[str, Any] = dict.fromkeys(old.keys() - new.keys())
    for key, value in new.items():
        if key in old and isinstance(value, dict) and isinstance(old[key], dict):
            if inner := difference(old[key], value):
                patch[key] = inner
        elif key not in old or old[key] != value:
            patch[key] = value
    return dict(sorted(patch.items()))


def write(file: Path, facts: dict[str, Any]) -> None:
    """Writes facts with a line for each entry of the second level."""

    def line(value: Any) -> str:
        return json.dumps(value, ensure_ascii=False)

    rows = []
    for key, value in facts.items():
        if isinstance(value, dict) and len(line(value)) > 88:
            inner = ",\n".join(f"  {line(name)}: {line(entry)}" for name, entry in value.items())
            rows.append(f" {line(key)}: {{\n{inner}\n }}")
        elif isinstance(value, list) and len(line(value)) > 88:
            inner = ",\n".join(f"  {line(entry)}" for entry in value)
            rows.append(f" {line(key)}: [\n{inner}\n ]")
        else:
            rows.append(f" {line(key)}: {line(value)}")
    file.write_text("{\n" + ",\n".join(rows) + "\n}\n", "utf-8")


def write_vllm(version: str, facts: dict[str, Any]) -> None:
    """Writes a version's facts as what differs from the version before it."""
    folder = FACTS / "vllm"
    before = [known.stem for known in folder.glob("*.json") if number(known.stem) < number(version)]
    base = max(before, key=number, default="")
    patch = difference(merged(base), facts) if base else facts
    write(folder / f"{version}.json", {"base": base, **patch})


def unpack(source: Path, folder: Path) -> Path:
    """The folder of a source archive's content, or a folder as it is given."""
    if source.is_dir():
        return source
    with tarfile.open(source) as archive:
        kept = [
            each
            for each in archive.getmembers()
            if each.name.endswith(".py") or Path(each.name).name.startswith("Dockerfile")
        ]
        archive.extractall(folder, kept, filter="data")
    return next(folder.iterdir())


def checkout(clone: Path, ref: str, folder: Path) -> tuple[Path, dict[str, str]]:
    """A folder that holds ``vllm_ascend`` at a ref, and which commit that is."""
    git = ["git", "-C", str(clone)]
    archive = folder / "tree.tar"
    subprocess.run([*git, "archive", f"--output={archive}", ref], check=True)
    with tarfile.open(archive) as opened:
        opened.extractall(folder, filter="data")
    told = subprocess.run(
        [*git, "log", "-1", "--format=%H %cs", ref], check=True, capture_output=True, text=True
    )
    commit, date = told.stdout.split()
    short = ref.removeprefix("refs/heads/").removeprefix("refs/tags/")
    return folder, {"ref": short, "commit": commit, "date": date}


def main() -> None:
    """Reads the sources that the command line names, and writes their facts."""
    parser = argparse.ArgumentParser(prog="python -m tools.engine_build", description=__doc__)
    parser.add_argument("--vllm", type=Path, required=True)
    parser.add_argument("--ascend", type=Path)
    parser.add_argument("--ref", default="", help="a tag or a branch of the clone")
    parser.add_argument("--name", help="the build's name in engine.build")
    parser.add_argument("--tag", action="append", default=[], help="an image's tag, no suffixes")
    parser.add_argument("--unknown", action="append", default=[], help="what nobody knows of it")
    given = parser.parse_args()
    version = re.search(r"vllm-([0-9.]+?)(?:\.tar\.gz)?$", given.vllm.name)
    if not version:
        parser.error("--vllm: name the file or folder vllm-VERSION")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "vllm").mkdir()
        vllm = unpack(given.vllm, folder / "vllm")
        facts = read_vllm(vllm)
        write_vllm(version[1], facts)
        if not given.ascend:
            return
        if not given.name:
            parser.error("--ascend: --name is missing")
        (folder / "ascend").mkdir()
        if given.ref:
            ascend, source = checkout(given.ascend, given.ref, folder / "ascend")
        else:
            ascend = unpack(given.ascend, folder / "ascend")
            source = {"ref": f"PyPI {ascend.name}", "commit": "", "date": ""}
        variables = read_variables(ascend)
        keys = read_keys(ascend, variables)
        # --config is a file of flags, and every class has something of that name.
        settings = {*facts["flags"], *keys, *variables} - {"config"}
        write(
            FACTS / f"{given.name}.json",
            {
                "vllm": version[1],
                "ascend": source,
                "tags": given.tag,
                "images": read_images(ascend),
                "additionalConfig": keys,
                "refusesUnknownKeys": refuses_unknown_keys(ascend),
                "variables": variables,
                "refusals": read_refusals(ascend, settings),
                "planner": read_planner(vllm, ascend),
                "unknown": given.unknown,
            },
        )


if __name__ == "__main__":
    main()
