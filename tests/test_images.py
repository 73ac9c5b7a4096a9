"""Every image of a deployment, and a site's own registry for all of them."""

from __future__ import annotations

import re
from typing import Any

import pytest

from dsv4deploy import ValuesError, load, render
from dsv4deploy.manifest.images import as_values, copied, mapped, references
from dsv4deploy.values.profiles import profile_names

DIGEST = "sha256:" + "0" * 64
SITE = {
    "quay.io": "reg.site/quay",
    "docker.io": "reg.site/hub",
    "build-harbor.alauda.cn": "reg.site/alauda",
    "registry.example.com": "reg.site/own",
}


def emitted(tree: Any) -> set[str]:
    """Every image and ModelCar in rendered objects."""
    if isinstance(tree, dict):
        here = {
            str(value).removeprefix("oci://")
            for key, value in tree.items()
            if key == "image" or (key == "uri" and str(value).startswith("oci://"))
        }
        return here.union(*map(emitted, tree.values()))
    return set().union(*map(emitted, tree)) if isinstance(tree, list) else set()


@pytest.mark.parametrize("profile", profile_names())
def test_the_list_holds_every_image_that_is_emitted(profile: str) -> None:
    values = load(profile=profile)
    assert emitted(render(values)) <= set(references(values).values())


@pytest.mark.parametrize("profile", profile_names())
def test_a_registry_map_leaves_no_image_of_another_registry(profile: str) -> None:
    site = as_values(mapped(load(profile=profile), SITE))
    values = load(site, profile=profile)
    found = emitted(render(values)) | set(references(values).values())
    assert found
    assert all(image.startswith("reg.site/") for image in found)
    tags = {re.sub(r"^.*/", "", image) for image in found}
    assert tags >= {re.sub(r"^.*/", "", image) for image in emitted(render(load(profile=profile)))}


def test_the_longest_beginning_counts_and_short_names_are_docker_s() -> None:
    values = load({"engine": {"image": "quay.io/a/b:1"}, "test": {"image": "library/python:3"}})
    moved = mapped(values, {**SITE, "quay.io/a": "reg.site/a"})
    assert moved["engine.image"] == "reg.site/a/b:1"
    assert moved["test.image"] == "reg.site/hub/library/python:3"


def test_an_image_without_a_mapping_is_an_error_that_names_it() -> None:
    with pytest.raises(
        ValuesError, match=r"images: router\.image: .*: no --registry-map covers build-harbor"
    ):
        mapped(load(), {"quay.io": "x", "docker.io": "y"})
    with pytest.raises(ValuesError) as caught:
        mapped(load(), {"quay.io": "x"})
    paths = [finding.path for finding in caught.value.findings]
    assert paths == ["router.image", "test.image", "model.uri"]


def test_images_of_extra_containers_are_in_the_list_and_move_too() -> None:
    own = {"engine": {"extraContainers": {"logs": {"image": "busybox:1", "tty": True}}}}
    own["engine"]["extraInitContainers"] = {"wait": {"image": "quay.io/a/b:1"}}
    values = load(own, as_values(mapped(load(own), SITE)))
    images = {"reg.site/hub/busybox:1", "reg.site/quay/a/b:1"}
    assert images <= emitted(render(values)) <= set(references(values).values())


@pytest.mark.parametrize(
    ("reference", "target", "words"),
    [
        ("q.io/a/b:1", "r:5000/a/b:1", "--all docker://q.io/a/b:1 docker://r:5000/a/b:1"),
        (
            f"q.io:80/a/b:1@{DIGEST}",
            f"r:5000/a/b:1@{DIGEST}",
            f"--all --preserve-digests docker://q.io:80/a/b@{DIGEST} docker://r:5000/a/b:1",
        ),
        (
            f"q.io/a/b@{DIGEST}",
            f"r:5000/a/b@{DIGEST}",
            f"--all --preserve-digests docker://q.io/a/b@{DIGEST} docker://r:5000/a/b@{DIGEST}",
        ),
    ],
)
def test_no_reference_of_a_copy_has_both_a_tag_and_a_digest(
    reference: str, target: str, words: str
) -> None:
    assert copied(reference, target) == ["skopeo", "copy", *words.split()]


def test_weights_on_a_claim_are_no_image() -> None:
    assert "model.uri" not in references(load({"model": {"uri": "pvc://claim/path"}}))
