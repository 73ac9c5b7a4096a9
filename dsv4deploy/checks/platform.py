"""Rules of KServe, Kubernetes and the NPUs: names, nodes, resources, probes, ends."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ..facts.builds import deployed, tag_of
from ..findings import Severity
from ..manifest.images import references, registry
from ..sizing.engine import arguments
from ..values.json import to_json
from ..values.pods import texts
from ..values.quantities import quantity, whole
from ..values.secrets import secret_name, secret_value
from ..values.tree import Values
from .rule import Places, Rule

RULES: list[Rule] = [
    Rule(
        code="data-parallel-pods",
        severity=Severity.ERROR,
        path="parallelism.dataLocal",
        condition="Values.parallelism.data % Values.parallelism.dataLocal == 0",
        message="an instance has data / dataLocal pods with dataLocal ranks each, but data / "
        "dataLocal is not a whole number",
        fix="set parallelism.dataLocal to a divisor of parallelism.data: to parallelism.data for "
        "one node, or to half of parallelism.data for two nodes",
        source="KServe v0.17.0, llm_inference_service_types_func.go, line 83: data / dataLocal "
        "pods, rounded down",
    ),
    Rule(
        code="worker-claim-shared",
        severity=Severity.WARNING,
        path="model.claims.worker",
        condition='Values.model.claims.worker == "" or '
        "Values.parallelism.data <= Values.parallelism.dataLocal * 2",
        message="all workers mount this claim, each on a different node",
        fix="use a claim with the access mode ReadOnlyMany or ReadWriteMany",
        source="KServe v0.17.0, pkg/controller/v1alpha2/llmisvc/workload_multi_node.go, line 165: "
        "a LeaderWorkerSet has one template for its workers",
    ),
    Rule(
        code="claim-without-pvc",
        severity=Severity.ERROR,
        path="model.uri",
        condition='Values.model.claims.leader == "" or "pvc://" in Values.model.uri',
        message="the weights are on model.claims, but this URI names another location",
        fix="set it to pvc:// with the leader's claim, such as pvc://weights-0/",
        source="KServe v0.17.0, pkg/controller/v1alpha2/llmisvc/workload_storage.go, line 65, "
        "run: with the storage initializer off nothing else brings the weights",
    ),
    Rule(
        code="name-hashed-pool",
        severity=Severity.ERROR,
        path="name",
        condition="Values.name | length <= 48",
        message="if the service's name has more than 48 characters, KServe hashes the name of "
        "its pool, and the router then looks for a pool that does not exist",
        fix="shorten name to 38 characters or fewer",
        source="KServe v0.17.0, pkg/controller/v1alpha2/llmisvc/scheduler.go, line 298, run: "
        "kmeta.ChildName hashes names of more than 63 characters",
    ),
    Rule(
        code="name-hashed-child",
        severity=Severity.WARNING,
        path="name",
        condition="Values.name | length <= 38",
        message="if the service's name has more than 38 characters, KServe hashes the names of "
        "some of its child objects, so you cannot derive them from the service's name",
        fix="shorten name to 38 characters or fewer",
        source="KServe v0.17.0, pkg/controller/v1alpha2/llmisvc/scheduler.go, line 330, run: "
        "kmeta.ChildName hashes names of more than 63 characters",
    ),
    Rule(
        code="port-of-workload-service",
        severity=Severity.WARNING,
        path="engine.port",
        condition="Values.engine.port == 8000",
        message="KServe's workload Service targets port 8000, so the engine is reachable only "
        "through the pool",
        fix="set engine.port to 8000",
        source="KServe v0.17.0, pkg/controller/v1alpha2/llmisvc/workload.go, line 127, run: the "
        "Service targets port 8000",
    ),
    Rule(
        code="moving-image-tag",
        severity=Severity.WARNING,
        path="engine.image",
        condition='"@sha256:" in Values.engine.image or (":" in Values.engine.image | base and '
        'not "nightly" in Values.engine.image and not ":latest" in Values.engine.image and '
        'not ":main" in Values.engine.image)',
        message="this tag moves, so the next pull can fetch a different engine",
        fix="append the image's digest, as in repository:tag@sha256:…; `skopeo inspect` or a "
        "running pod's imageID shows the digest; keep the tag, because it identifies the build",
        source="vllm-ascend issue 15055",
    ),
    Rule(
        code="any-card",
        severity=Severity.WARNING,
        path="npu.nodeSelector",
        condition="Values.npu.nodeSelector or not (Values.npu.resourceName == "
        '"huawei.com/Ascend910")',
        message="huawei.com/Ascend910 matches any card of the family, with 32 GB or 64 GB, but "
        "npu.nodeSelector does not select nodes by card",
        fix="set a label that identifies the card, such as node.kubernetes.io/npu.chip.name with "
        "the chip that npu.card names",
        source="MindCluster documentation, Ascend Device Plugin: the resource is named after the "
        "family; vllm-ascend issue 129: a 910B4 differs in its 32 GB",
    ),
    Rule(
        code="rollout-in-place",
        severity=Severity.WARNING,
        path="kserve.rolloutInPlace",
        condition='not Values.kserve.rolloutInPlace or Values.kserve.version == "main"',
        message="this KServe version does not have the field rolloutStrategy, so an update of a "
        "model that fills its node never completes: the new pod waits for the NPUs of the old pod",
        fix="stop the service (annotation serving.kserve.io/stop), apply the change, and start the "
        "service again",
        source="KServe pull request 5916; no rolloutStrategy in the CRDs of v0.17, v0.19 and v0.20",
    ),
    Rule(
        code="budget-of-one",
        severity=Severity.WARNING,
        path="disruptionBudget.enabled",
        condition="not Values.disruptionBudget.enabled or Values.replicas > 1 or "
        "Values.scaling.enabled",
        message="with a single instance, a budget either allows the eviction of the instance or "
        "blocks every drain of its node",
        fix="set it to false, or raise replicas",
        source="Kubernetes' k8s.io/api v0.36.1, policy/v1/types.go, lines 34 and 44",
    ),
    Rule(
        code="router-booleans",
        severity=Severity.WARNING,
        path="router.oneWordBooleans",
        condition="Values.router.oneWordBooleans",
        message="the upstream endpoint picker interprets `--tracing false`, which is two "
        "arguments, as true, and no published source documents how hermes-router interprets it",
        fix="set it to true, as in the publisher's newest manifest",
        source="Gateway API Inference Extension v1.5.0, pkg/epp/server/options.go, line 175, "
        "built and started: the word after a boolean is a separate argument; Alauda AI "
        "documentation has both forms",
    ),
    Rule(
        code="startup-budget",
        severity=Severity.WARNING,
        path="engine.probes.startup",
        condition="Values.engine.probes.startup.periodSeconds * "
        "Values.engine.probes.startup.failureThreshold >= 3600",
        message="loading the weights and capturing graphs can take an hour, but the kubelet "
        "restarts the engine before an hour has passed",
        fix="set periodSeconds × failureThreshold to 3600 or more",
        source="Alauda AI documentation, DeepSeek-V4-Flash (W4A8): 120 × 30 s",
    ),
    Rule(
        code="grace-below-waits",
        severity=Severity.ERROR,
        path="engine.termination.gracePeriodSeconds",
        condition="Values.engine.termination.gracePeriodSeconds >= "
        "Values.engine.termination.preStopSeconds + "
        "Values.engine.termination.shutdownTimeoutSeconds",
        message="the kubelet kills the engine before the engine finishes its requests",
        fix="set it to preStopSeconds + shutdownTimeoutSeconds or more",
        source="Kubernetes' k8s.io/api v0.36.1, core/v1/types.go, line 3237: the grace period "
        "counts from the start of preStop",
    ),
    Rule(
        code="grace-below-answer",
        severity=Severity.WARNING,
        path="engine.termination.gracePeriodSeconds",
        condition="Values.engine.termination.gracePeriodSeconds * 1000 >= "
        "Values.monitoring.published.ttftMilliseconds + "
        "127 * Values.monitoring.published.itlMilliseconds",
        message="a restart aborts requests: the kubelet kills the engine before a published "
        "response of 128 tokens is complete",
        fix="set preStopSeconds, shutdownTimeoutSeconds, and gracePeriodSeconds, as in "
        "examples/production",
        source="Alauda AI documentation, DeepSeek-V4-Flash (W4A8): TTFT + 127 × ITL; KServe "
        "v0.17.0, config/llmisvcconfig/config-llm-template.yaml, line 80: 30 s",
    ),
    Rule(
        code="router-goes-first",
        severity=Severity.WARNING,
        path="router.terminationGracePeriodSeconds",
        condition="Values.router.terminationGracePeriodSeconds >= "
        "Values.engine.termination.gracePeriodSeconds",
        message="the router terminates before the engines behind it have drained",
        fix="set it to engine.termination.gracePeriodSeconds or more",
        source="KServe issues 5485 and 5496, and vLLM's of the same kind: requests are cut while "
        "an engine drains",
    ),
]


@Rule(
    code="engine-ready-timeout",
    severity=Severity.WARNING,
    path="engine.env.VLLM_ENGINE_READY_TIMEOUT_S",
    message="the server stops waiting for its engine after {timeout} s, but the startup probe "
    "allows the pod {budget} s",
    fix="set it to periodSeconds × failureThreshold of engine.probes.startup",
    source="vLLM, envs.py: 600 s by default, line 758 of 0.22.1 and 788 of 0.27.1; upstream's "
    "nightly tests set 3000",
).finder(RULES)
def _ready_timeout(values: Values) -> Places:
    startup = values.engine.probes.startup
    budget = startup.period_seconds * startup.failure_threshold
    timeout = values.engine.env.get("VLLM_ENGINE_READY_TIMEOUT_S") or "600"
    if isinstance(timeout, str) and (whole(timeout) or 0) < budget:
        yield "", {"timeout": timeout, "budget": budget}


@Rule(
    code="cpu-binding",
    severity=Severity.WARNING,
    path="engine.resources.requests.cpu",
    message="the engine's processes use at least 5 cores per NPU ({cores}), but the scheduler "
    "reserves only {cpu}: other pods on the node can use the remaining cores",
    fix="set it to 5 × parallelism.tensor × parallelism.dataLocal or more",
    source="vllm-ascend issue 6966; cpu_binding.py, line 349 of v0.22.1rc: the binding requires "
    "5 cores per NPU in the container's cpuset, and is skipped with a line in the log if there "
    "are fewer",
).finder(RULES)
def _cpus(values: Values) -> Places:
    cores = 5 * values.parallelism.tensor * values.parallelism.data_local
    cpu = values.engine.resources.requests.cpu
    additional = arguments(values).get("additional-config")
    unbound = isinstance(additional, dict) and additional.get("enable_cpu_binding") is False
    if not unbound and quantity(cpu) < cores:
        yield "", {"cores": cores, "cpu": cpu}


@Rule(
    code="shared-memory",
    severity=Severity.WARNING,
    path="engine.shmSize",
    message="the engine's processes exchange tensors in shared memory, and are reported to be "
    "killed if shared memory has only 15Gi",
    fix="set it to 32Gi, the published value, or to at least 16Gi, which is validated for other "
    "models",
    source="Alauda AI documentation: 32Gi for DeepSeek-V4-Flash, 16Gi and 24Gi for other validated "
    "models; vllm-ascend pull request 8693 for 15Gi",
).finder(RULES)
def _shared_memory(values: Values) -> Places:
    if quantity(values.engine.shm_size) < quantity("16Gi"):
        yield "", {}


@Rule(
    code="memory-limit",
    severity=Severity.ERROR,
    path="engine.resources.limits.memory",
    message="shared memory and the store's segment need {size}, which uses up the whole limit",
    fix="raise it above the sum of engine.shmSize and kvStore.segmentBytes",
    source="Kubernetes documentation, Volumes, emptyDir: the contents of a volume in memory "
    "count toward the container's limit",
).finder(RULES)
def _memory_limit(values: Values) -> Places:
    store = values.kv_store.segment_bytes * values.parallelism.data_local
    taken = quantity(values.engine.shm_size) + (store if values.kv_store.enabled else 0)
    if quantity(values.engine.resources.limits.memory) <= taken:
        yield "", {"size": f"{taken / 2**30:.0f}Gi"}


@Rule(
    code="openmp-binding",
    severity=Severity.WARNING,
    path="engine.env.OMP_PROC_BIND",
    message='"{value}" binds threads, so the threads of every process are pinned to the first CPUs',
    fix='set it to "false"',
    source="vllm-ascend issue 11307; OpenMP 5.2, 21.1.4: every value but false binds",
).finder(RULES)
def _openmp(values: Values) -> Places:
    value = texts(values.engine.env).get("OMP_PROC_BIND")
    if value and value.strip().lower() != "false":
        yield "", {"value": value}


# Where jemalloc is in the images: Debian's multiarch folder, and openEuler's.
_LIBRARIES = {"openeuler": "/usr/lib64/", "ubuntu": "/usr/lib/aarch64-linux-gnu/"}


@Rule(
    code="preload-missing",
    severity=Severity.WARNING,
    path="engine.env.LD_PRELOAD",
    message="{library} is the path on {other}, but the image is based on {system}: the library is "
    "not preloaded, and the engine runs without it",
    fix="set it to the path of the same library in {folder}",
    source="vllm-ascend, tests/e2e and issue 10013 for openEuler: /usr/lib64/libjemalloc.so.2; its "
    "tutorials for Ubuntu: /usr/lib/aarch64-linux-gnu/libjemalloc.so.2",
).finder(RULES)
def _preload(values: Values) -> Places:
    system = "openeuler" if "openeuler" in values.engine.image else "ubuntu"
    other = "ubuntu" if system == "openeuler" else "openeuler"
    facts = {"system": system, "other": other, "folder": _LIBRARIES[system]}
    for library in re.split("[: ]+", texts(values.engine.env).get("LD_PRELOAD", "")):
        if library.startswith(_LIBRARIES[other]) and deployed("", values.engine.image):
            yield "", {**facts, "library": library}


@Rule(
    code="shell-variable",
    severity=Severity.WARNING,
    path="engine.env",
    message="{word} reaches the engine unchanged: Kubernetes expands only $(NAME), and no shell "
    "expands this value",
    fix="write the value itself, or refer to a variable in engine.envFromPod as $(NAME)",
    source="Kubernetes' k8s.io/api v0.36.1, core/v1/types.go, line 2480: references are $(NAME)",
).finder(RULES)
def _shell_variables(values: Values) -> Places:
    for name, value in sorted(texts(values.engine.env).items()):
        found = re.search(r"\$[A-Za-z_]\w*|\$\{[^}]*\}|\$\([^)]*\W[^)]*\)|`[^`]*`", value)
        if found:
            yield f"engine.env.{name}", {"word": found[0]}


_PLACEHOLDER = re.compile(
    r"(?P<reserved>(?<![^./@])example\.(?:com|net|org)\b|\.(?:example|invalid)\b)"
    r"|\byour[-_. ]|<[^>]*>|changeme",
    re.I,
)


@Rule(
    code="placeholder",
    severity=Severity.WARNING,
    path="model.uri",
    message="{value} is a placeholder: {word} {meaning}, so the pod stays in ImagePullBackOff",
    fix="push the image to a registry that the nodes can reach, and set this value to the image's "
    "reference in that registry",
    source="RFC 2606: example.com, .example and .invalid are reserved",
).finder(RULES)
def _placeholders(values: Values) -> Places:
    places = {
        "model.uri": values.model.uri,
        "engine.image": values.engine.image,
        "router.image": values.router.image,
        "test.image": values.test.image,
    }
    for path, value in places.items():
        if found := _PLACEHOLDER.search(value):
            meaning = (
                "is a domain that RFC 2606 reserves for examples, so no registry uses it"
                if found["reserved"]
                else "represents an address that only you know"
            )
            yield path, {"value": value, "word": found[0].strip("/@"), "meaning": meaning}


@Rule(
    code="untagged-image",
    severity=Severity.WARNING,
    path="router.image",
    message="{image} has {tag}, so the next pull can fetch a different image",
    fix="specify a version, as in repository:tag, or pin the image, as in repository:tag@sha256:…",
    source="Kubernetes documentation, Images: without a tag, Kubernetes assumes the tag latest",
).finder(RULES)
def _untagged(values: Values) -> Places:
    for path, image in references(values).items():
        if path == "engine.image" or "@" in image:  # moving-image-tag
            continue
        tag = tag_of(image)
        if not tag:
            yield path, {"image": image, "tag": "no tag, which means latest"}
        elif tag == "latest":
            yield path, {"image": image, "tag": "the tag latest"}


# The registries of the published images, which need no credentials.
_PUBLIC = {"docker.io", "quay.io", "ghcr.io", "build-harbor.alauda.cn"}


@Rule(
    code="registry-without-secret",
    severity=Severity.WARNING,
    path="router.imagePullSecrets",
    message="{registry} holds images of the engine and of the router, but only "
    "{other}.imagePullSecrets names credentials: if the registry requires them, the pods of the "
    "{section} stay in ImagePullBackOff",
    fix="set it to {secrets}, as with --set-json '{section}.imagePullSecrets={secrets}'; a Secret "
    "that the registry does not require has no effect",
    source="Kubernetes documentation, Pull an Image from a Private Registry: imagePullSecrets is a "
    "field of each pod",
).finder(RULES)
def _pull_secrets(values: Values) -> Places:
    where = {path: registry(image) for path, image in references(values).items()}
    router = where.pop("router.image")
    del where["test.image"]
    secrets = {
        "engine": values.engine.image_pull_secrets,
        "router": values.router.image_pull_secrets,
    }
    lacking = [section for section, names in secrets.items() if not names]
    if router in {*where.values()} - _PUBLIC and len(lacking) == 1:
        (section,) = lacking
        other = "engine" if section == "router" else "router"
        facts = {"section": section, "other": other, "secrets": to_json(secrets[other])}
        yield f"{section}.imagePullSecrets", {**facts, "registry": router}


@Rule(
    code="proxy-without-exceptions",
    severity=Severity.WARNING,
    path="engine.env.HTTP_PROXY",
    message="HTTP clients in this container also send requests for {inside} to the proxy, because "
    "NO_PROXY {lacks}",
    fix="set NO_PROXY in {section}.env to localhost,127.0.0.1,.svc,.cluster.local and the CIDRs of "
    "the cluster's pods and Services",
    source="vLLM issue 1519: a client next to the server gets 502 until http_proxy is removed; "
    "Python documentation, urllib.request: no_proxy lists the hosts to reach directly; Kubernetes' "
    "apimachinery at 819711e6f7, pkg/util/net/http.go, SetOldTransportDefaults: clients of the API "
    "server read the same variables",
).finder(RULES)
def _proxies(values: Values) -> Places:
    sections = {
        "engine": (values.engine.env, "the pod itself and for Services"),
        "router": (values.router.env, "the API server and for Services"),
    }
    for section, (env, inside) in sections.items():
        given = {name.upper(): name for name, value in env.items() if value != ""}
        proxies = [given[name] for name in _PROXIES if name in given]
        exceptions = env[given["NO_PROXY"]] if "NO_PROXY" in given else ""
        if proxies and (lacks := _lacking(exceptions)):
            name = given.get("NO_PROXY", proxies[0])
            yield f"{section}.env.{name}", {"section": section, "inside": inside, "lacks": lacks}


_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
_WITHOUT_PROXY = ("localhost", "127.0.0.1", ".svc", ".cluster.local")


def _lacking(exceptions: object) -> str:
    """What NO_PROXY does not hold, in words; empty where it holds all, or is in another object."""
    if not isinstance(exceptions, str) or exceptions.strip() == "*":
        return ""
    if not exceptions:
        return "is not set"
    held = {word.strip().removeprefix("*").removeprefix(".") for word in exceptions.split(",")}
    missing = [word for word in _WITHOUT_PROXY if word.removeprefix(".") not in held]
    return f"does not have {', '.join(missing)}" if missing else ""


@Rule(
    code="hugging-face-token",
    severity=Severity.WARNING,
    path="engine.env.HF_TOKEN",
    message="the engine does not use this token: {reason}",
    fix="remove it; for a gated model on hf://, create a Secret with the key HF_TOKEN, and add it "
    "to the secrets of the ServiceAccount default in the namespace",
    source="KServe v0.17.0, pkg/controller/v1alpha2/llmisvc/workload_storage.go, line 227: the "
    "storage initializer gets HF_TOKEN from the ServiceAccount's Secrets; huggingface_hub pull "
    "request 1899: offline mode sends no request",
).finder(RULES)
def _hugging_face_token(values: Values) -> Places:
    env = values.engine.env
    offline = texts(env).get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "TRUE", "YES")
    if env.get("HF_TOKEN") is None:
        return
    if values.model.uri.startswith("hf://"):
        reason = "KServe's storage initializer downloads the weights in a separate container"
        yield "", {"reason": reason}
    elif offline:
        yield (
            "",
            {"reason": "with HF_HUB_OFFLINE, the engine does not send requests to Hugging Face"},
        )


@Rule(
    code="variable-twice",
    severity=Severity.ERROR,
    path="engine.env",
    message="this variable is set in more than one place, and Kubernetes rejects duplicates",
    fix="set it in only one place: in engine.env, in engine.envFromPod, or through kvStore",
    source="Kubernetes' k8s.io/api v0.36.1, core/v1/types.go, line 2977: env is a map by name",
).finder(RULES)
def _variables(values: Values) -> Places:
    fixed = {"MOONCAKE_CONFIG_PATH"} if values.kv_store.enabled else set()
    text, fields = values.engine.env.keys(), values.engine.env_from_pod.keys()
    for name in sorted((text & fields) | (fixed & (text | fields))):
        yield f"engine.env.{name}", {}


@Rule(
    code="secret-in-variable",
    severity=Severity.WARNING,
    path="engine",
    message="this secret is visible in the manifest, in the release, and in the release's history",
    fix="put the secret in a Secret in the namespace; in a variable, replace the text with a "
    "secretKeyRef that has the Secret's name and key",
    source="Kubernetes documentation, Good practices for Kubernetes Secrets",
).finder(RULES)
def _secrets(values: Values) -> Places:
    environments = {"engine.env": values.engine.env, "router.env": values.router.env}
    for path, env in environments.items():
        for name, value in sorted(texts(env).items()):
            # A reference to another variable is no secret.
            if value and (secret_name(name) or secret_value(value)) and not value.startswith("$("):
                yield f"{path}.{name}", {}
    for name, item in values.extra_objects.items():
        if item.kind == "Secret" and {"data", "stringData"} & item.fields.keys():
            yield f"extraObjects.{name}", {}
    for path, name, text in _texts(arguments(values), "engine.args"):
        if text and (secret_name(name) or secret_value(text)):
            yield path, {}


def _texts(tree: dict[str, Any], above: str) -> Iterator[tuple[str, str, str]]:
    """The path, key and text of each text in a tree, and of those in lists."""
    for name, value in sorted(tree.items()):
        path = f"{above}.{name}"
        for item in value if isinstance(value, list | tuple) else (value,):
            if isinstance(item, str):
                yield path, name, item
            elif isinstance(item, dict):
                yield from _texts(item, path)
