"""Every rule, failing and passing."""

from __future__ import annotations

from typing import Any

import pytest

from dsv4deploy import Severity, Values, check, load
from dsv4deploy.rules import OWNED_FLAGS, RULES, Rule, errors

Tree = dict[str, Any]

# By a rule's code: values that break it, and values near them that do not.
CASES: dict[str, tuple[Tree, Tree]] = {
    **{
        f"owned-flag-{flag}": (
            {"engine": {"args": {flag: 8}}},
            {"engine": {"args": {f"{flag}-x": 8}}},
        )
        for flag in OWNED_FLAGS
    },
    "data-parallel-pods": (
        {"parallelism": {"data": 3}},
        {"parallelism": {"data": 2}},
    ),
    "name-hashed-pool": ({"name": "x" * 49}, {"name": "x" * 48}),
    "name-hashed-child": ({"name": "x" * 39}, {"name": "x" * 38}),
    "port-of-workload-service": ({"engine": {"port": 8001}}, {"engine": {"port": 8000}}),
    "kv-store-pod-name": (
        {"kvStore": {"enabled": True}},
        {"kvStore": {"enabled": True}, "engine": {"envFromPod": {"POD_NAME": "metadata.name"}}},
    ),
    "claim-without-pvc": (
        {"model": {"claims": {"leader": "weights-0"}}},
        {"model": {"claims": {"leader": "weights-0"}, "uri": "pvc://weights-0/"}},
    ),
    "rollout-in-place": (
        {"kserve": {"rolloutInPlace": True}},
        {"kserve": {"rolloutInPlace": True, "version": "main"}},
    ),
    "grace-below-waits": (
        {"engine": {"termination": {"preStopSeconds": 15, "gracePeriodSeconds": 14}}},
        {"engine": {"termination": {"preStopSeconds": 15, "gracePeriodSeconds": 15}}},
    ),
    "router-goes-first": (
        {"engine": {"termination": {"gracePeriodSeconds": 31}}},
        {"engine": {"termination": {"gracePeriodSeconds": 30}}},
    ),
    "maas-namespace": (
        {"maas": {"enabled": True, "namespace": "envoy-gateway-system"}},
        {"maas": {"enabled": False, "namespace": "envoy-gateway-system"}},
    ),
    "maas-window": (
        {"maas": {"enabled": True}, "engine": {"args": {"max-model-len": 33_554_432}}},
        {"maas": {"enabled": True}, "engine": {"args": {"max-model-len": 33_554_431}}},
    ),
}


def codes(values: Tree) -> set[str]:
    return {finding.code for finding in check(load(values))}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_a_rule_has_a_failing_and_a_passing_case(rule: Rule) -> None:
    failing, passing = CASES[rule.code]
    assert rule.code in codes(failing)
    assert rule.code not in codes(passing)


def test_no_case_is_left_behind() -> None:
    assert CASES.keys() == {rule.code for rule in RULES}
    assert len(CASES) == len(RULES)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_a_rule_says_what_is_wrong_what_to_do_and_how_it_is_known(rule: Rule) -> None:
    assert min(len(rule.message), len(rule.fix), len(rule.source)) > 10
    assert not rule.message.endswith(".")
    assert rule.sentence == f"{rule.path}: {rule.message}: {rule.fix}"


def test_the_validated_deployment_has_no_errors_and_a_cache_that_can_t_hit() -> None:
    (finding,) = check(Values())
    assert (finding.code, finding.severity) == ("prefix-cache-cannot-hit", Severity.WARNING)


@pytest.mark.parametrize(
    ("engine", "twice"),
    [
        ({"env": {"POD_IP": "1"}, "envFromPod": {"POD_IP": "status.podIP"}}, True),
        ({"env": {"POD_IP": None}, "envFromPod": {"POD_IP": "status.podIP"}}, False),
        ({"env": {"MOONCAKE_CONFIG_PATH": "/x"}}, True),
        ({"env": {"OTHER": "/x"}}, False),
    ],
)
def test_a_variable_stands_once(engine: Tree, twice: bool) -> None:
    assert ("variable-twice" in codes({"engine": engine, "kvStore": {"enabled": True}})) is twice


HIT = {
    "engine": {
        "version": "0.23.0",
        "env": {"VLLM_PREFIX_CACHE_RETENTION_INTERVAL": "16384"},
        "args": {"additional-config": {"enable_dsa_cp": True}},
    }
}


def test_with_all_conditions_of_a_hit_nothing_is_said() -> None:
    assert "prefix-cache-cannot-hit" not in codes(HIT)


@pytest.mark.parametrize(
    "change",
    [
        {"args": {"additional-config": {"enable_dsa_cp": False}}},
        {"args": {"additional-config": {"enable_dsa_cp": None}}},
        {"args": {"max-model-len": 16_384}},
        {"args": {"block-size": 64}, "env": {"VLLM_PREFIX_CACHE_RETENTION_INTERVAL": "4096"}},
        {"env": {"VLLM_PREFIX_CACHE_RETENTION_INTERVAL": None}},
        {"env": {"VLLM_PREFIX_CACHE_RETENTION_INTERVAL": "16000"}},
        {"version": "0.22.1"},
    ],
)
def test_with_one_condition_missing_the_hit_rate_will_be_0(change: Tree) -> None:
    (told,) = (
        finding
        for finding in check(load(HIT, {"engine": change}))
        if finding.code == "prefix-cache-cannot-hit"
    )
    assert "hit rate will be 0: " in told.message


def test_a_cache_that_is_off_is_not_spoken_of() -> None:
    off = {"engine": {"args": {"enable-prefix-caching": False}}}
    assert "prefix-cache-cannot-hit" not in codes(off)


def test_errors_come_first_and_only_they_stop_a_deployment() -> None:
    found = check(load({"name": "x" * 49, "engine": {"port": 1}, "parallelism": {"data": 3}}))
    severities = [finding.severity for finding in found]
    assert severities == sorted(severities)
    assert {finding.severity for finding in errors(found)} == {Severity.ERROR}
    assert len(errors(found)) == 2


def test_an_engine_version_without_a_list_of_flags_is_said() -> None:
    found = check(load({"engine": {"version": "9.9.9", "args": {"no-such-flag": 1}}}))
    finding = next(finding for finding in found if finding.code == "unknown-engine-version")
    assert "engine-flag" not in {finding.code for finding in found}
    assert finding.severity == Severity.WARNING
