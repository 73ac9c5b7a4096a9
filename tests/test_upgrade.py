"""What another engine makes of the same values."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dsv4deploy import Severity, ValuesError, check, load
from dsv4deploy.checks.upgrade import upgrade, with_engine
from dsv4deploy.facts.builds import builds
from dsv4deploy.findings import Finding
from dsv4deploy.values.profiles import profile_names

IMAGE = "quay.io/ascend/vllm-ascend"


def found(engine: str, *values: dict[str, Any], profile: str = "") -> dict[str, Finding]:
    changes = upgrade(load(*values, profile=profile), engine)
    return {f"{each.code} {each.path.rpartition('.')[2]}": each for each in changes}


def test_a_flag_that_the_new_engine_refuses_is_an_error() -> None:
    changes = found("v0.26.0rc1")
    assert changes["multithread-text enable_multithread_load"].severity == Severity.ERROR
    assert next(iter(changes.values())).severity == Severity.ERROR


def test_a_flag_that_means_something_else_is_a_warning_with_both_meanings() -> None:
    told = found("v0.26.0rc1")["engine-meaning safetensors-load-strategy"]
    assert told.severity == Severity.WARNING
    assert "nightly-releases-v0.22.1rc reads text" in told.message
    assert "v0.26.0rc1 reads text, optional of eager, lazy" in told.message


def test_a_limit_that_becomes_another_one_is_named_with_both() -> None:
    told = found("v0.23.0")["engine-limit card"]
    assert told.severity == Severity.OK
    assert "1.36 GiB of KV cache (429 blocks), then 2.47 (781)" in told.message
    assert "engine-limit card" not in found("v0.22.1rc1")


def test_a_deployment_that_no_longer_fits_is_an_error() -> None:
    large = {"engine": {"args": {"max-num-batched-tokens": 5120}}}
    assert "memory-does-not-fit card" not in {
        f"{each.code} {each.path.rpartition('.')[2]}" for each in check(load(large))
    }
    assert found("v0.23.0", large)["memory-does-not-fit card"].severity == Severity.ERROR


def test_a_key_or_a_variable_that_the_new_engine_does_not_read_is_a_warning() -> None:
    keys = {"engine": {"args": {"additional-config": {"layer_sharding": []}}}}
    assert "additional-config-key layer_sharding" in found("v0.24.0rc1", keys)
    a3 = found("main-2026-08-22", profile="ascend-a3-16-w8a8")
    assert "unread-variable VLLM_ASCEND_ENABLE_FLASHCOMM1" in a3


def test_what_is_no_longer_wrong_is_ok() -> None:
    told = found("v0.23.0")["prefix-cache-no-hit enable-prefix-caching"]
    assert (told.severity, told.message[:10]) == (Severity.OK, "no longer:")


def test_an_image_is_taken_with_its_chips() -> None:
    assert "image-for-other-chip image" in found(f"{IMAGE}:v0.23.0-a3")
    own = found("registry.site-a.lan/own:1")
    assert own["unknown-build build"].severity == Severity.WARNING
    assert own["engine-limit build"].message == "nightly-releases-v0.22.1rc, then unknown"


@pytest.mark.parametrize("profile", profile_names())
def test_the_same_engine_changes_nothing(profile: str) -> None:
    values = load(profile=profile)
    assert upgrade(values, values.engine.image) == []


@pytest.mark.parametrize("each", builds(), ids=lambda each: each.name)
def test_every_build_can_be_gone_to(each: Any) -> None:
    changes = upgrade(load(), each.name)
    assert all(change.message and change.path for change in changes)
    assert json.dumps([change.message for change in changes])


def test_an_unknown_build_is_refused_with_the_nearest() -> None:
    with pytest.raises(ValuesError, match=r"did you mean v0\.26\.0rc1"):
        with_engine(load(), "v0.26")
