"""Values from manifests: published, rendered, edited, written in other words, and read live."""

from __future__ import annotations

import copy
import json
import os
import random
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from documents import drawn, mutated
from fake_api import FakeCluster, started
from hypothesis import given, settings
from hypothesis import strategies as st

from dsv4deploy import Release, Values, ValuesError, load
from dsv4deploy.cli import cli
from dsv4deploy.cli.connection import ClusterOptions
from dsv4deploy.cluster.diff import label
from dsv4deploy.errors import ClusterError, DeployError
from dsv4deploy.importing.leaves import Leaves, leaves
from dsv4deploy.importing.live import live, without_defaults
from dsv4deploy.importing.manifest import Imported, imported, read, values_file
from dsv4deploy.importing.script import process
from dsv4deploy.manifest.render import render
from dsv4deploy.values import yaml as yamlio
from dsv4deploy.values.profiles import profile_names
from dsv4deploy.values.schema import json_schema

ROOT = Path(__file__).resolve().parent.parent
PUBLISHED = Path(
    os.environ.get("DSV4DEPLOY_PUBLISHED", ROOT.parent / "shared" / "data" / "published")
)
PROD = Release(namespace="prod")
SERVICE = "LLMInferenceService prod/deepseek-v4-flash-w4a8-agg-base"
Tree = dict[str, Any]


def again(found: Imported) -> Values:
    """The values of an import, read back from the file that it writes."""
    return load(yamlio.read(values_file(found), "file"), profile=found.profile)


def rendered(values: Values) -> list[Tree]:
    return render(values, PROD)


def engine(objects: list[Tree]) -> Tree:
    (service,) = (item for item in objects if item["kind"] == "LLMInferenceService")
    container: Tree = service["spec"]["template"]["containers"][0]
    return container


def words(container: Tree) -> list[str]:
    return shlex.split(container["args"][0].split("exec ")[1].replace("\\\n", " "))


# --- what was published, and what this package renders -----------------------------------------


@pytest.mark.parametrize(
    ("file", "profile", "paths"),
    [
        (
            "deepseek-v4-flash-w4a8-agg-base-llmisvc.yaml",
            "ascend-910b4-8-w4a8",
            ["spec.template.enableServiceLinks"],
        ),
        (
            "deepseek-v4-flash-w8a8-agg-mc-kv-llmisvc.yaml",
            "ascend-910b3-16-w8a8",
            [
                # The file has <your-registry> there, which is no registry.
                "spec.model.uri",
                *(
                    f"spec.{pod}.{path}"
                    for pod in ("template", "worker")
                    for path in (
                        "containers.main.args.lines",
                        "enableServiceLinks",
                        "initContainers.mooncake-config-init.args.lines",
                    )
                ),
                *(
                    f"spec.worker.containers.main.{probe}.exec.command[{place}]"
                    for probe in ("livenessProbe", "startupProbe")
                    for place in range(3)
                ),
            ],
        ),
    ],
)
def test_a_published_manifest_is_its_profile(file: str, profile: str, paths: list[str]) -> None:
    path = PUBLISHED / file
    if not path.is_file():
        pytest.skip(f"{path} is not there")
    found = imported(read(path.read_bytes(), file))
    assert (found.profile, found.overlay) == (profile, {})
    assert found.release == Release(namespace="demo")
    assert sorted(change.path for change in found.changes) == sorted(paths)


@pytest.mark.parametrize("profile", profile_names())
def test_the_render_of_a_profile_is_the_profile(profile: str) -> None:
    values = load(profile=profile)
    found = imported(rendered(values))
    assert (found.profile, found.overlay, found.changes) == (profile, {}, ())
    assert again(found) == values


EXAMPLES = ROOT.glob("examples/*/values.yaml")


@pytest.mark.parametrize("file", sorted(EXAMPLES), ids=str)
def test_the_render_of_an_example_gives_its_values(file: Path) -> None:
    values = load(file)
    found = imported(rendered(values))
    assert not found.changes
    assert rendered(again(found)) == rendered(values)
    tree = again(found).model_dump()
    # No manifest has the names of tiers.
    one, other = (list(each["maas"].pop("tiers").values()) for each in (tree, values.model_dump()))
    assert one == other
    assert tree == {**values.model_dump(), "maas": tree["maas"]}


# --- edited by hand ----------------------------------------------------------------------------


def test_other_flags_variables_images_and_names_are_values() -> None:
    objects = rendered(load({"name": "chat", "model": {"name": "chat"}}))
    main = engine(objects)
    main["image"] = "registry.example/vllm-ascend:v0.22.1"
    main["args"][0] = main["args"][0].replace(
        "--max-num-seqs 4", "--max-num-seqs=16 --kv-cache-dtype int8 --allowed-media-domains a b"
    )
    main["args"][0] = re.sub(r" --chat-template \S+", "", main["args"][0])
    main["env"] = [each for each in main["env"] if each["name"] != "VLLM_USE_V1"]
    main["env"].append({"name": "HCCL_IF_IP", "valueFrom": {"fieldRef": {"fieldPath": POD_IP}}})
    main["env"].append({"name": "CANN_CACHE", "value": "$(HOME)/cache"})
    main["startupProbe"]["failureThreshold"] = 240
    main["resources"]["limits"]["memory"] = "300Gi"
    found = imported(objects)
    assert not found.changes
    assert found.overlay == {
        "name": "chat",
        "model": {"name": "chat"},
        "engine": {
            "image": "registry.example/vllm-ascend:v0.22.1",
            "args": {
                "max-num-seqs": 16,
                "chat-template": None,
                "allowed-media-domains": ["a", "b"],
                "kv-cache-dtype": "int8",
            },
            "env": {"VLLM_USE_V1": None, "CANN_CACHE": "$(HOME)/cache"},
            "envFromPod": {"HCCL_IF_IP": POD_IP},
            "resources": {"limits": {"memory": "300Gi"}},
            "probes": {"startup": {"failureThreshold": 240}},
        },
    }


POD_IP = "status.podIP"


def test_what_the_package_does_not_know_is_listed_by_its_topmost_field() -> None:
    objects = rendered(load())
    spec = objects[-1]["spec"]["template"]
    spec["dnsConfig"] = {"options": [{"x": 1}]}
    memory = {"resourceFieldRef": {"resource": "limits.memory"}}
    engine(objects)["env"] += [
        {"name": "HF_TOKEN", "value": "hf_abc"},
        {"name": "ELSEWHERE", "valueFrom": memory},
    ]
    engine(objects)["securityContext"]["runAsUser"] = 1000
    objects.append({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "more"}})
    found = imported(objects)
    assert [str(change) for change in found.changes] == [
        f"~ {SERVICE} spec.template.containers.main.env.ELSEWHERE: "
        '{"valueFrom": {"resourceFieldRef": {"resource": "limits.memory"}}} -> (none)',
        f"~ {SERVICE} spec.template.containers.main.securityContext.runAsUser: 1000 -> 0",
        f'~ {SERVICE} spec.template.dnsConfig: {{"options": [{{"x": 1}}]}} -> (none)',
        "- Secret prod/more",
    ]
    assert found.overlay == {"engine": {"env": {"HF_TOKEN": "hf_abc"}}}


def test_a_secret_is_masked_in_what_is_listed() -> None:
    objects = rendered(load())
    engine(objects)["env"].append({"name": "HF_TOKEN", "value": "hf_{{abc"})
    (change,) = imported(objects).changes
    assert str(change).endswith('env.HF_TOKEN: "***" -> (none)')


def test_flags_as_separate_arguments_are_values() -> None:
    objects = rendered(load())
    main = engine(objects)
    given = [*words(main), "--seed", "7"]
    main["command"], main["args"] = given[:3], given[3:]
    found = imported(objects)
    (change,) = found.changes
    assert str(change).endswith('containers.main.shell: (none) -> ["bash", "-lc"]')
    assert found.overlay["engine"]["args"] == {"seed": 7}
    del main["command"]
    main["args"] = given
    assert imported(objects).overlay == found.overlay


def test_a_script_in_other_words_is_values() -> None:
    objects = rendered(load())
    main = engine(objects)
    flags = [word for word in words(main)[3:] if word not in ("--model", "/mnt/models")]
    main["args"][0] = (
        "# the same server\n"
        "set -ex; . /usr/local/Ascend/ascend-toolkit/set_env.sh\n"
        "source /usr/local/Ascend/nnal/atb/set_env.sh > /dev/null 2>&1 || :\n"
        "export HCCL_BUFFSIZE=512 OMP_NUM_THREADS='10'  # more\n"
        "ulimit -n 65535\n"
        "vllm serve /mnt/models " + shlex.join(flags) + " 2>&1 | tee /tmp/log"
    )
    found = imported(objects)
    assert found.overlay["engine"] == {
        "server": "vllm serve /mnt/models",
        "environmentScripts": {"optional": ["/usr/local/Ascend/nnal/atb/set_env.sh"]},
        "env": {"HCCL_BUFFSIZE": "512"},
    }
    assert [(change.path.rpartition(".")[2], change.before) for change in found.changes] == [
        ("exec", False),
        ("lines", "ulimit -n 65535\n… 2>&1 | tee /tmp/log"),
    ]


@pytest.mark.parametrize(
    "values",
    [
        {"parallelism": {"tensor": 4, "data": 2, "dataLocal": 2}},
        {"parallelism": {"data": 4}, "kserve": {"version": "main", "rolloutInPlace": True}},
        {"model": {"claims": {"leader": "a"}}, "router": {"inline": True, "replicas": 3}},
        {"kvStore": {"enabled": True, "segmentBytes": 12345, "protocol": "tcp"}},
        {"npu": {"tolerations": {"*": {"operator": "Exists", "value": "", "effect": ""}}}},
        {"maas": {"enabled": True, "bytesPerToken": 48, "gateway": {"replicas": 4}}},
        {
            "maas": {"enabled": True, "gateway": {"create": False}},
            "disruptionBudget": {"enabled": True},
        },
    ],
    ids=json.dumps,
)
def test_values_that_are_right_only_together_are_found(values: Tree) -> None:
    found = imported(rendered(load(values)))
    assert not found.changes
    assert rendered(again(found)) == rendered(load(values))


def site(kind: str = "ConfigMap", **fields: Any) -> Tree:
    """An object of a user's own."""
    api = {"NetworkPolicy": "networking.k8s.io/v1"}.get(kind, "v1")
    return {"apiVersion": api, "kind": kind, "fields": fields or {"data": {"a": "b"}}}


@pytest.mark.parametrize(
    "values",
    [
        {"extraObjects": {"site": site()}},
        # The kinds of these are those of templates.
        {"extraObjects": {"site": site()}, "monitoring": {"enabled": True}},
        {"extraObjects": {"deny": site("NetworkPolicy", spec={"podSelector": {}})}},
        {"standardLabels": True},
        {
            "standardLabels": True,
            "labels": {"team": "a"},
            "annotations": {"b": "c"},
            "extraObjects": {"site": {**site(), "labels": {"own": "x", "team": "other"}}},
        },
    ],
    ids=json.dumps,
)
@pytest.mark.parametrize("tool", ["dsv4deploy", "Helm"])
def test_objects_and_labels_of_a_user_s_own_are_values(values: Tree, tool: str) -> None:
    objects = render(load(values), Release(namespace="prod", service=tool))
    found = imported(objects)
    assert not found.changes
    assert again(found) == load(values)
    # Parts that are not there are not written.
    assert "{}" not in values_file(found).replace("podSelector: {}", "")


@pytest.mark.parametrize(
    ("kind", "metadata"),
    [
        ("Secret", {}),
        ("Namespace", {}),
        ("Service", {"namespace": "elsewhere"}),
        ("Job", {"annotations": {"helm.sh/hook": "test"}}),
    ],
)
def test_an_object_that_values_are_no_place_for_is_listed(kind: str, metadata: Tree) -> None:
    other = {"apiVersion": "v1", "kind": kind, "metadata": {"name": "site", **metadata}}
    found = imported([*rendered(load()), other])
    (change,) = found.changes
    place = metadata.get("namespace", "prod")
    assert (change.object, change.before) == (f"{kind} {place}/site", "the object")
    assert found.overlay == {}


def test_an_entry_of_a_profile_that_null_cannot_take_away_leads_to_the_defaults() -> None:
    # The selector of the production profile is not among the defaults.
    values = load(profile="ascend-910b4-8-w4a8-production").model_dump(by_alias=True)
    values["npu"]["nodeSelector"] = {}
    found = imported(rendered(load(values)))
    assert not found.changes
    assert rendered(again(found)) == rendered(load(values))


# --- scripts as data ---------------------------------------------------------------------------


def flags(line: str) -> Any:
    container = {"command": ["bash", "-c"], "args": [f"exec vllm serve /m {line}"]}
    return process(container)["args"]["flags"]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("--a 1 --b 0.90 --c 'x y' --d", {"a": 1, "b": 0.9, "c": "x y", "d": True}),
        ("--no-a --max_model_len=8", {"a": False, "max-model-len": 8}),
        ("--max-model-len 32k --revision 32k", {"max-model-len": 32_000, "revision": "32k"}),
        ("-tp 8 -q ascend", {"tensor-parallel-size": 8, "quantization": "ascend"}),
        ("--a x y --b -1", {"a": ["x", "y"], "b": -1}),
        ("""--a '{"b": [1, true]}' --c true""", {"a": {"b": [1, True]}, "c": "true"}),
        ("--a '$$HOME' # no flag\n", {"a": "$HOME"}),
        ("--a x --a y", {"a": {"twice": ["x", "y"]}}),
    ],
)
def test_a_command_line_is_data(line: str, expected: Tree) -> None:
    assert flags(line) == expected


@pytest.mark.parametrize("line", ["--a $HOME", '--a "$HOME"', "--a $(HOME)", "--a `id`", "--a *"])
def test_what_a_shell_or_the_kubelet_expands_is_no_text(line: str) -> None:
    literal = flags(f"--a {shlex.quote(shlex.split(line)[1].replace('$', '$$'))}")
    assert flags(line) != literal


# --- any values, in any form -------------------------------------------------------------------


def shuffled(rng: random.Random, value: Any, key: str = "") -> Any:
    """Data with the same meaning in another order."""
    if isinstance(value, dict):
        keys = rng.sample(sorted(value), len(value))
        return {each: shuffled(rng, value[each], each) for each in keys}
    if isinstance(value, list):
        items = [shuffled(rng, each) for each in value]
        free = key in ("env", "volumes", "volumeMounts", "ports", "imagePullSecrets", "tolerations")
        return rng.sample(items, len(items)) if free else items
    return value


def other_form(rng: random.Random, objects: list[Tree]) -> str:
    """A manifest with the same meaning: other order, other YAML, perhaps a List or JSON."""
    items = [shuffled(rng, item) for item in rng.sample(objects, len(objects))]
    if rng.random() < 0.5:
        items = [{"apiVersion": "v1", "kind": "List", "items": items}]
    if len(items) == 1 and rng.random() < 0.5:
        return json.dumps(items[0])
    return yaml.safe_dump_all(items, sort_keys=False, default_flow_style=rng.choice([None, False]))


@settings(max_examples=8)
@given(seed=st.integers(0, 2**32))
@pytest.mark.parametrize("kind", ["drawn", "mutated"])
def test_the_render_of_any_values_is_imported_whole(kind: str, seed: int) -> None:
    rng = random.Random(seed)
    document = mutated(rng) if kind == "mutated" else drawn(rng, json_schema(), 0.0)
    try:
        values = load(document)
    except ValuesError:
        return
    objects = rendered(values)
    try:
        given_objects = read(other_form(rng, objects), "manifest")
    except ValuesError:
        return  # PyYAML writes some text in ways that other readers take for something else.
    found = imported(given_objects)
    equal = rendered(again(found)) == objects
    # Null in free fields, which no object keeps, is listed.
    assert equal or (found.changes and kind == "drawn")
    assert not (equal and found.changes)


ODD: tuple[Any, ...] = (None, True, 7, "x", "x\n--y", [], {}, [None], [[]], [{}], {"": 1})


def _holders(tree: Any) -> list[tuple[Any, Any]]:
    entries = tree.items() if isinstance(tree, dict) else enumerate(tree)
    found = [(tree, key) for key, _ in entries]
    return found + [
        each
        for holder, key in found
        if isinstance(holder[key], dict | list)
        for each in _holders(holder[key])
    ]


def meaning(objects: list[Tree]) -> dict[str, Leaves]:
    return {label(item): leaves(item) for item in objects}


@settings(max_examples=12)
@given(seed=st.integers(0, 2**32))
def test_whatever_a_manifest_has_is_a_value_or_listed_or_refused(seed: int) -> None:
    rng = random.Random(seed)
    objects = rendered(load({"networkPolicy": {"enabled": True}}))
    for _ in range(rng.randint(1, 3)):
        holder, key = rng.choice(_holders(objects))
        holder[key] = copy.deepcopy(rng.choice(ODD))
    try:
        changed = read(yamlio.write(each for each in objects if isinstance(each, dict)), "file")
        found = imported(changed)
    except DeployError:
        return
    assert (not found.changes) == (meaning(rendered(again(found))) == meaning(changed))


# --- the command line --------------------------------------------------------------------------


def run(*arguments: str, text: str = "") -> Any:
    return CliRunner().invoke(cli, ["import", *arguments], input=text)


def test_the_verb_writes_a_values_file_that_renders_the_manifest(tmp_path: Path) -> None:
    values = load({"name": "chat", "engine": {"args": {"max-num-seqs": 8}}})
    manifest, file = tmp_path / "manifest.yaml", tmp_path / "values.yaml"
    manifest.write_text(yamlio.write(rendered(values)), "utf-8")
    result = run(str(manifest), "-o", str(file))
    assert result.exit_code == 0, result.output
    assert load(file, profile="ascend-910b4-8-w4a8") == values
    text = file.read_text("utf-8")
    assert "# dsv4deploy render THIS-FILE --profile ascend-910b4-8-w4a8 -n prod" in text
    assert (
        "# Maximum number of requests processed at once; further requests wait. Unit: requests."
    ) in text
    assert "A manifest does not contain model.quantization w4a8, npu.card 910B4" in result.stderr
    diff = f"`dsv4deploy diff {file} --profile=ascend-910b4-8-w4a8 -n prod`"
    assert diff in result.stderr
    assert "status `adopted`" in result.stderr


def test_the_verb_fails_where_values_cannot_express_something() -> None:
    objects = rendered(load())
    objects[-1]["spec"]["template"]["runtimeClassName"] = "ascend"
    result = run("-", text=yamlio.write(objects))
    assert result.exit_code == 1
    assert f"values cannot express: ~ {SERVICE} spec.template.runtimeClassName" in result.stderr
    assert "known from ascend-910b4-8-w4a8" in result.stderr
    assert result.stdout.startswith("# Differences between a running manifest and the profile")


def test_a_verb_without_a_manifest_says_what_is_missing() -> None:
    assert "pass a manifest, or select a service with --from-cluster" in run().output


A_DEPLOYMENT = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "vllm", "namespace": "demo"},
}


def two(objects: list[Tree]) -> list[Tree]:
    return [*objects, copy.deepcopy(objects[-1])]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda objects: objects[:-1], "also pass the manifest of the LLMInferen"),
        (two, f"imported at a time; pass one of {SERVICE}, {SERVICE}"),
        (
            lambda _: [{**A_DEPLOYMENT, "metadata": {"name": f"vllm-{at}"}} for at in range(7)],
            "Deployment vllm-4 and 2 more; other kinds have no router",
        ),
        (
            lambda _: [{**A_DEPLOYMENT, "kind": "HelmRelease"}],
            "but HelmRelease demo/vllm; render it with `helm template`",
        ),
        (lambda _: [], "but no object; pass the manifest of the service, or --from-cluster NAME"),
        (
            lambda _: [{"name": "chat"}],
            "must be a Kubernetes object, with apiVersion, kind and metadata.name",
        ),
        (lambda _: [{"kind": "A", "metadata": 1}], "with apiVersion, kind and metadata.name"),
    ],
    ids=["none", "two", "deployments", "release", "empty", "values", "metadata"],
)
def test_what_is_no_manifest_of_one_service_is_refused(
    change: Callable[[list[Tree]], list[Tree]], words: str
) -> None:
    with pytest.raises(DeployError, match=re.escape(words)):
        imported(read(yamlio.write(change(rendered(load()))), "manifest"))


def test_another_namespace_than_that_of_the_manifest_is_refused() -> None:
    with pytest.raises(DeployError, match="is not in namespace demo"):
        imported(rendered(load()), "demo")
    objects = rendered(load())
    for item in objects:
        item["metadata"].pop("namespace")
    assert imported(objects, "prod").release == PROD


# --- from a cluster ----------------------------------------------------------------------------


class Server(FakeCluster):
    """A cluster that publishes a schema, or refuses it, and lets one kind be read by nobody."""

    schemas: bool = True

    def answer(self, method: str, path: str, query: Any, body: Any) -> Any:
        if path.startswith("/openapi"):
            if not self.schemas:
                raise ClusterError("no", "Forbidden")
            port = {"properties": {"protocol": {"default": "UDP"}, "kind": {"default": "x"}}}
            spec = {"properties": {"extra": {"items": port}, "class": {"default": "standard"}}}
            kind = [{"kind": "LLMInferenceService"}]
            schema = {"x-kubernetes-group-version-kind": kind, "properties": {"spec": spec}}
            return {"components": {"schemas": {"x": schema}}}
        if "configmaps" in path:
            raise ClusterError("configmaps is forbidden", "Forbidden")
        return super().answer(method, path, query, body)


def there(values: Values) -> Server:
    objects = [item for item in render(values) if item["kind"] in KINDS]
    service = next(item for item in objects if item["kind"] == "LLMInferenceService")
    service["spec"] |= {"extra": [{"protocol": "UDP"}], "class": "standard"}
    service["metadata"]["annotations"]["dsv4deploy.io/owner"] = "demo/chat"
    return Server(started(*objects))


KINDS = ("LLMInferenceService", "NetworkPolicy")


def test_a_live_service_is_read_without_what_the_server_sets() -> None:
    values = load({"name": "chat", "router": {"inline": True}, "networkPolicy": {"enabled": True}})
    cluster = there(values)
    objects, refused = live(cluster, "chat", "demo")
    assert [item["kind"] for item in objects] == ["LLMInferenceService", "NetworkPolicy"]
    assert refused[0].startswith("ConfigMap demo/chat-dashboard: not read: configmaps is forbidden")
    found = imported(objects, "demo", without_defaults(cluster, objects))
    assert not found.changes
    assert again(found) == values


def test_without_a_schema_the_defaults_of_the_server_are_listed() -> None:
    cluster = there(load({"name": "chat", "router": {"inline": True}}))
    cluster.schemas = False
    objects, _ = live(cluster, "chat", "demo")
    found = imported(objects, "demo", without_defaults(cluster, objects))
    assert [change.path for change in found.changes] == ["spec.class", "spec.extra"]


def test_the_verb_reads_a_cluster_and_files_together(monkeypatch: pytest.MonkeyPatch) -> None:
    values = load({"name": "chat", "networkPolicy": {"enabled": True}})
    cluster = there(values)
    monkeypatch.setattr(ClusterOptions, "connect", lambda _: cluster)
    result = run("-", "--from-cluster", "chat", "-n", "demo", text=yamlio.write(render(values)))
    assert result.exit_code == 0, result.output
    assert "ConfigMap demo/chat-dashboard: not read: configmaps is forbidden" in result.stderr
    assert load(yamlio.read(result.stdout, "stdout"), profile="ascend-910b4-8-w4a8") == values


def test_a_service_that_is_not_there_is_an_error() -> None:
    with pytest.raises(DeployError, match="has no LLMInferenceService nobody"):
        live(there(load({"name": "chat"})), "nobody", "demo")
