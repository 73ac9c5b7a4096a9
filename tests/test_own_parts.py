"""What a user adds: labels, references, placement, volumes, containers and objects of their own."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from dsv4deploy import Release, ValuesError, __version__, check, load, render
from dsv4deploy.findings import errors
from dsv4deploy.manifest.crds import validate
from dsv4deploy.manifest.kustomize import files
from dsv4deploy.values import yaml as yamlio

ROOT = Path(__file__).resolve().parent.parent
CHART = ROOT / "charts" / "deepseek-v4-flash"
EXAMPLE = ROOT / "examples" / "own-parts" / "values.yaml"
Tree = dict[str, Any]
Tool = Callable[[str], str]

ALL_ON = {
    "replicas": 2,
    "maas": {
        "enabled": True,
        "gateway": {
            "hostname": "maas.example.org",
            "replicas": 4,
            "accessLog": {"enabled": True},
            "tls": {"enabled": True, "issuer": {"name": "site"}},
        },
    },
    "monitoring": {"enabled": True, "labels": {"release": "p"}, "proxies": {"enabled": True}},
    "networkPolicy": {"enabled": True},
    "disruptionBudget": {"enabled": True},
    "kvStore": {"enabled": True},
    "engine": {"envFromPod": {"POD_NAME": "metadata.name"}},
}
MARKED = {
    "labels": {"team": "serving", "release": "theirs", "infernex.io/runtime": "false"},
    "annotations": {"example.com/note": 'a: "b"', "infernex.io/disabled-components": "none"},
}


def named(objects: list[Tree]) -> dict[str, Tree]:
    return {f"{item['kind']} {item['metadata']['name']}": item for item in objects}


def the(kind: str, *sources: Any) -> Any:
    (item,) = (item for item in render(load(*sources)) if item["kind"] == kind)
    return item


def pods(objects: list[Tree]) -> Tree:
    """The pod templates of the engine and of the router."""
    service = next(item for item in objects if item["kind"] == "LLMInferenceService")
    preset = next(item for item in objects if item["kind"] == "LLMInferenceServiceConfig")
    scheduler = preset["spec"]["router"]["scheduler"]
    return {"engine": service["spec"]["template"], "router": scheduler["template"]}


def selectors(tree: Any) -> Iterator[Any]:
    """Everything in an object that selects pods, and what it measures against."""
    if isinstance(tree, dict):
        for key, value in tree.items():
            if key in ("selector", "podSelector", "namespaceSelector", "targetRefs"):
                yield value
            else:
                yield from selectors(value)
    elif isinstance(tree, list):
        for item in tree:
            yield from selectors(item)


def test_labels_and_annotations_are_on_every_object_and_change_nothing_else() -> None:
    plain, marked = render(load(ALL_ON)), render(load(ALL_ON, MARKED))
    assert len(plain) == 17
    for before, after in zip(plain, marked, strict=True):
        meta, own = after.pop("metadata"), before.pop("metadata")
        assert after == before
        labels, notes = MARKED["labels"], MARKED["annotations"]
        assert meta["labels"] == {**labels, **own.get("labels", {})}
        assert meta["annotations"] == {**notes, **own.get("annotations", {})}


def test_standard_labels_name_the_chart_the_service_and_the_tool() -> None:
    values = load(ALL_ON, {"standardLabels": True, "labels": {"app.kubernetes.io/instance": "x"}})
    ours = {
        "app.kubernetes.io/name": "deepseek-v4-flash",
        "app.kubernetes.io/instance": "x",
        "app.kubernetes.io/managed-by": "dsv4deploy",
    }
    helm = {
        "app.kubernetes.io/managed-by": "Helm",
        "helm.sh/chart": f"deepseek-v4-flash-{__version__}",
    }
    for service, expected in (("dsv4deploy", ours), ("Helm", {**ours, **helm})):
        for item in render(values, Release(service=service)):
            labels = item["metadata"]["labels"]
            assert labels.items() >= expected.items()
            assert ("helm.sh/chart" in labels) == (service == "Helm")


def test_labels_of_pods_leave_every_selector_as_it_is() -> None:
    labels = {
        "engine": {"podLabels": {"team": "serving"}, "podAnnotations": {"a.b/c": "x"}},
        "router": {"podLabels": {"team": "routing"}, "podAnnotations": {"a.b/c": "y"}},
    }
    plain, marked = render(load(ALL_ON)), render(load(ALL_ON, MARKED, labels))
    assert list(selectors(plain)) == list(selectors(marked))
    assert len(list(selectors(plain))) > 10
    service = the("LLMInferenceService", labels)
    preset = the("LLMInferenceServiceConfig", labels)
    assert service["spec"]["labels"] == {"team": "serving"}
    assert service["spec"]["annotations"] == {"a.b/c": "x"}
    scheduler = preset["spec"]["router"]["scheduler"]
    assert (scheduler["labels"], scheduler["annotations"]) == ({"team": "routing"}, {"a.b/c": "y"})


def test_a_variable_comes_from_a_secret_or_config_map() -> None:
    secret, site = {"name": "hf", "key": "token"}, {"name": "site", "key": "proxy.url"}
    env: Tree = {
        "HF_TOKEN": {"secretKeyRef": secret},
        "P": {"configMapKeyRef": site},
        "Q": None,
        "R": "",
    }
    values = load({"engine": {"env": env}, "router": {"env": env}})
    for section, pod in pods(render(values)).items():
        given = {each["name"]: each for each in pod["containers"][0]["env"]}
        assert given["HF_TOKEN"]["valueFrom"] == {"secretKeyRef": secret}, section
        assert given["P"]["valueFrom"] == {"configMapKeyRef": site}
        assert given["R"]["value"] == ""
        assert "Q" not in given
    assert "secret-in-variable" not in {finding.code for finding in check(values)}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"engine": {"env": {"A": {"secretKeyRef": {"name": "hf"}}}}},
            "engine.env.A.secretKeyRef.key: this value is required",
        ),
        (
            {"engine": {"env": {"A": {"secretKey": {"name": "hf", "key": "x"}}}}},
            "engine.env.A.secretKey: there is no such value",
        ),
        (
            {
                "engine": {
                    "env": {
                        "A": {
                            "secretKeyRef": {"name": "hf", "key": "x"},
                            "configMapKeyRef": {"name": "hf", "key": "x"},
                        }
                    }
                }
            },
            "engine.env.A.secretKeyRef: there is no such value",
        ),
        (
            {"engine": {"env": {"A": {"valueFrom": {"secretKeyRef": {"name": "x", "key": "y"}}}}}},
            "engine.env.A.valueFrom: write secretKeyRef or configMapKeyRef directly",
        ),
        (
            {"engine": {"env": {"A": {"valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}}}},
            "engine.env.A.valueFrom: for a field of the pod, set engine.envFromPod",
        ),
        ({"router": {"envFrom": []}}, "router.envFrom: set each variable in router.env, such as"),
        ({"router": {"env": {"A": 1}}}, 'router.env.A: must be text, not 1: write "1", in quotes'),
        ({"labels": {"a b": "c"}}, 'labels.a b: "a b" must be a key such as'),
        ({"labels": {f"a/{'x' * 64}": "c"}}, "63 characters or fewer after its /"),
        ({"labels": {"team": "x" * 64}}, "labels.team: must have 63 characters or fewer"),
        ({"labels": {"team": "a/b"}}, 'labels.team: "a/b" must be a label\'s value'),
        ({"labels": {"team": True}}, "labels.team: must be text, not true"),
        ({"annotations": {"a": "{{ x }}"}}, "which KServe would expand"),
        ({"engine": {"affinity": []}}, "engine.affinity: must be a mapping"),
        ({"engine": {"extraContainers": [{"name": "x"}]}}, "extraContainers: must be a mapping"),
        ({"engine": {"extraVolumes": {"Hccn": {}}}}, "as in names of a pod's parts"),
        ({"engine": {"extraVolumes": {"x": "y"}}}, "engine.extraVolumes.x: must be a mapping"),
        ({"engine": {"extraVolumeMounts": {"etc": {}}}}, "a path in the container"),
        ({"extraObjects": {"x": {"kind": "ConfigMap"}}}, "extraObjects.x.apiVersion: this value"),
        (
            {"extraObjects": {"x": {"apiVersion": "v1", "kind": "ConfigMap", "data": {}}}},
            "extraObjects.x.data: there is no such value",
        ),
    ],
    ids=str,
)
def test_what_does_not_fit_is_refused_by_its_path(values: Tree, message: str) -> None:
    with pytest.raises(ValuesError) as error:
        load(values)
    assert message in str(error.value)


def test_volumes_mounts_and_containers_are_beside_those_of_the_engine() -> None:
    plain, more = (pods(render(load(*each)))["engine"] for each in ([], [EXAMPLE]))
    assert more["containers"][0]["volumeMounts"][:1] == plain["containers"][0]["volumeMounts"]
    assert more["volumes"][:1] == plain["volumes"]
    mount = {"mountPath": "/etc/hccn.conf", "name": "hccn-conf", "readOnly": True}
    assert mount in more["containers"][0]["volumeMounts"]
    path = {"path": "/etc/hccn.conf", "type": "File"}
    assert {"name": "hccn-conf", "hostPath": path} in more["volumes"]
    assert [each["name"] for each in more["containers"]] == ["main", "heartbeat"]
    assert more["containers"][1]["resources"]["limits"] == {"memory": "16Mi"}


def test_a_later_file_changes_one_entry_and_keeps_the_others() -> None:
    other = {"hostPath": {"path": "/opt/hccn.conf"}}
    changed = load(EXAMPLE, {"engine": {"extraVolumes": {"hccn-conf": other}}})
    volumes = {each.pop("name"): each for each in pods(render(changed))["engine"]["volumes"]}
    assert volumes["hccn-conf"] == {"hostPath": {"path": "/opt/hccn.conf", "type": "File"}}
    assert volumes["dcmi"]["hostPath"]["path"] == "/usr/local/dcmi"


def test_settings_reach_every_one_of_them() -> None:
    values = load(
        set=[
            "engine.env.HF_TOKEN.secretKeyRef.name=hf,engine.env.HF_TOKEN.secretKeyRef.key=token",
            r"engine.extraVolumeMounts./etc/hccn\.conf.name=hccn,engine.extraVolumeMounts./etc/hccn\.conf.readOnly=true",
            r"engine.extraVolumes.hccn.hostPath.path=/etc/hccn.conf",
            r"labels.example\.com/team=serving,standardLabels=true",
            "extraObjects.site.apiVersion=v1,extraObjects.site.kind=ConfigMap",
        ]
    )
    assert errors(check(values)) == []
    engine = pods(render(values))["engine"]
    assert {"name": "hccn", "hostPath": {"path": "/etc/hccn.conf"}} in engine["volumes"]
    assert named(render(values))["ConfigMap site"]["metadata"]["labels"]["example.com/team"]


def test_an_object_of_the_user_s_own_keeps_its_fields_and_labels() -> None:
    item = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "labels": {"team": "own"},
        "annotations": {"example.com/note": "own"},
        "fields": {"data": {"lines": "a\n---\nb: {c}\n"}, "immutable": True},
    }
    made = render(load(MARKED, {"extraObjects": {"b.c": item, "a": {**item, "fields": {}}}}))
    assert [each["metadata"]["name"] for each in made[:2]] == ["a", "b.c"]
    assert made[1] == {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": "b.c",
            "namespace": "demo",
            "labels": {**MARKED["labels"], "team": "own"},
            "annotations": {**MARKED["annotations"], "example.com/note": "own"},
        },
        "data": {"lines": "a\n---\nb: {c}\n"},
        "immutable": True,
    }


TWO_NODES = {
    "parallelism": {"data": 2, "dataLocal": 1},
    "router": {"inline": True, "serviceLinks": False, "env": {"A": "b"}},
    "engine": {
        "extraInitContainers": {"wait": {"image": "a/b:c", "command": ["sh", "-c", "a\nb"]}},
        "topologySpreadConstraints": {
            "kubernetes.io/hostname": {"maxSkew": 1, "whenUnsatisfiable": "DoNotSchedule"}
        },
    },
}
VARIANTS = {"all": [ALL_ON, MARKED, EXAMPLE], "two nodes": [ALL_ON, EXAMPLE, TWO_NODES]}


@pytest.mark.parametrize("name", VARIANTS)
def test_the_crds_accept_them(name: str, real_crds: Path, tmp_path: Path) -> None:
    for version in ("0.17.0", "0.19.0", "0.20.0"):
        folder = tmp_path / version
        folder.mkdir()
        for crd in real_crds.glob("*/*.yaml"):
            if "kserve" not in crd.parent.name or crd.parent.name == f"kserve-{version}":
                (folder / f"{crd.parent.name}-{crd.name}").write_bytes(crd.read_bytes())
        found = errors(validate(render(load(*VARIANTS[name])), folder))
        # Those of Prometheus Operator are not at hand.
        assert [each for each in found if each.code != "crd-missing"] == []


def test_the_crds_refuse_what_kubernetes_does_not_know(real_crds: Path) -> None:
    wrong = {
        "affinity": {"a": {}},
        "extraContainers": {"logs": {"image": "a/b:c", "comand": ["x"]}},
        "topologySpreadConstraints": {"zone": {"maxSkew": 1}},
    }
    found = errors(validate(render(load({"engine": wrong})), real_crds / "kserve-0.17.0"))
    assert {finding.path.rpartition(": ")[2] for finding in found} == {
        "spec.template.topologySpreadConstraints[0]",
        "spec.template.affinity.a",
        "spec.template.containers[1].comand",
    }


@pytest.mark.parametrize("major", ["helm3", "helm4"])
@pytest.mark.parametrize("name", VARIANTS)
def test_helm_gives_the_same(name: str, major: str, tool: Tool, tmp_path: Path) -> None:
    command = [tool(major), "template", "dsv4", str(CHART), "--namespace", "demo"]
    for number, source in enumerate(VARIANTS[name]):
        file = tmp_path / f"{number}.yaml"
        text = json.dumps(source) if isinstance(source, dict) else source.read_text("utf-8")
        file.write_text(text, "utf-8")
        command += ["--values", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    made = [item for item in yaml.load_all(done.stdout, yaml.CSafeLoader) if item]
    hooks = [item for item in made if "helm.sh/hook" in item["metadata"].get("annotations", {})]
    assert [hook["metadata"]["labels"]["team"] for hook in hooks] == ["serving"]
    expected = render(load(*VARIANTS[name]), Release(service="Helm"))
    assert named([item for item in made if item not in hooks]) == named(expected)


def test_an_overlay_changes_them_and_adds_objects(tool: Tool, tmp_path: Path) -> None:
    other = {"podLabels": {"team": "other"}, "extraContainers": {"heartbeat": {"args": ["b"]}}}
    values, release = load(EXAMPLE, MARKED, {"engine": other}), Release(namespace="prod")
    same = {"engine": {"extraContainers": {"heartbeat": {"args": ["a"]}}}}
    for before in (load(), load(EXAMPLE), load(EXAMPLE, same)):
        for path, text in files(before, Release(), values, release, "prod").items():
            file = tmp_path / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, "utf-8")
        command = [tool("kubectl"), "kustomize", str(tmp_path / "overlays" / "prod")]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert named(yamlio.parse(done.stdout)) == named(render(values, release))
