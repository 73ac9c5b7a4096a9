"""What the namespaces hold beside the deployment: rights, Secrets, claims, quotas."""

from __future__ import annotations

from ...errors import ClusterError
from ...findings import Severity
from ...values.pods import references
from ...values.quantities import quantity
from .. import pods
from ..client import Object
from ..readiness import service_of
from .facts import KSERVE, Facts, amount, requested
from .registry import Answers, Checks

CHECKS = Checks()


@CHECKS.add("namespace", "the namespaces of all objects exist")
def _namespace(facts: Facts) -> Answers:
    for name in sorted({item["metadata"]["namespace"] for item in facts.objects}):
        if not facts.cluster.get("v1", "Namespace", name):
            yield (
                Severity.ERROR,
                f"there is no namespace {name}",
                f"kubectl create namespace {name}",
            )


_RIGHTS = (
    ("llminferenceservices", KSERVE, "get", "patch", "create"),
    ("leases", "coordination.k8s.io", "get", "create", "update"),
)


@CHECKS.add("rights", "this user may apply the service and write its Lease")
def _rights(facts: Facts) -> Answers:
    for resource, group, *verbs in _RIGHTS:
        for verb in verbs:
            if not facts.cluster.may(verb, resource, facts.release.namespace, group):
                yield (
                    Severity.ERROR,
                    f"this user may not {verb} {resource} in namespace {facts.release.namespace}",
                    "ask an administrator for this permission, or use another context",
                )


@CHECKS.add("pod-security", "the namespace's Pod Security level admits the engine's pods")
def _pod_security(facts: Facts) -> Answers:
    space, spec = facts.release.namespace, service_of(facts.objects)["spec"]
    for part in ("template", "worker"):
        if part not in spec:
            continue
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": part, "namespace": space}}
        pod["spec"] = {**spec[part], "containers": _merged(facts, part)}
        try:
            facts.cluster.create(pod, dry_run=True)
        except ClusterError as error:
            # What else refuses a pod, such as a quota, has a check of its own.
            if error.reason != "Denied":
                raise
            if "violates PodSecurity" in str(error):
                privileged = facts.values.engine.host_ipc or "worker" in spec
                level = "privileged" if privileged else "baseline"
                yield (
                    Severity.ERROR,
                    f"namespace {space} rejects the engine's pods: {error}",
                    f"kubectl label namespace {space} --overwrite "
                    f"pod-security.kubernetes.io/enforce={level}",
                )


def _merged(facts: Facts, part: str) -> list[Object]:
    """The containers of a part of the service, main with what KServe's preset adds to its rights.

    The preset of two nodes adds the capabilities IPC_LOCK, SYS_RAWIO and NET_RAW (KServe v0.17.0 to
    v0.20.0, config/llmisvcconfig/config-llm-worker-data-parallel.yaml).
    """
    spec, key = service_of(facts.objects)["spec"], "securityContext"
    name = "worker-data-parallel" if "worker" in spec else "template"
    preset = facts.cluster.get(
        f"{KSERVE}/v1alpha2", "LLMInferenceServiceConfig", f"kserve-config-llm-{name}", "kserve"
    )
    theirs = pods.main((((preset or {}).get("spec") or {}).get(part) or {}).get("containers") or [])
    merged = []
    for each in spec[part]["containers"]:
        added = theirs.get(key, {}) if each["name"] == "main" else {}
        merged.append({**each, key: {**added, **each.get(key, {})}})
    return merged


def _named_secrets(facts: Facts) -> dict[str, str]:
    """Each image pull secret, and the value that names it."""
    engine, router = facts.values.engine, facts.values.router
    return {
        **dict.fromkeys(router.image_pull_secrets, "router.imagePullSecrets"),
        **dict.fromkeys(engine.image_pull_secrets, "engine.imagePullSecrets"),
    }


def _no_pull_secrets(facts: Facts) -> str:
    return "" if _named_secrets(facts) else "imagePullSecrets of engine and router are empty"


@CHECKS.add("pull-secrets", "the image pull secrets exist", _no_pull_secrets)
def _pull_secrets(facts: Facts) -> Answers:
    for name, path in _named_secrets(facts).items():
        found = facts.cluster.get("v1", "Secret", name, facts.release.namespace)
        kinds = ("kubernetes.io/dockerconfigjson", "kubernetes.io/dockercfg")
        if not found:
            yield (
                Severity.WARNING,
                f"Secret {name} does not exist; only a private registry needs it",
                f"create the Secret, or remove {name} from {path}",
            )
        elif found.get("type") not in kinds:
            yield (
                Severity.ERROR,
                f"Secret {name} is of type {found.get('type')}",
                "create it with `kubectl create secret docker-registry`",
            )


def _no_references(facts: Facts) -> str:
    environments = (facts.values.engine.env, facts.values.router.env)
    refers = any(True for env in environments for _ in references(env))
    return "" if refers else "no variable refers to a Secret or a ConfigMap"


@CHECKS.add(
    "references",
    "the Secrets and ConfigMaps that variables refer to exist and have the keys",
    _no_references,
)
def _references(facts: Facts) -> Answers:
    values = facts.values
    made = {(item.kind, name) for name, item in values.extra_objects.items()}
    for env in (values.engine.env, values.router.env):
        for variable, kind, at in references(env):
            if (kind, at.name) in made:
                continue
            found = facts.cluster.get("v1", kind, at.name, facts.release.namespace)
            if at.key not in ((found or {}).get("data") or {}):
                missing = f"has no key {at.key}" if found else "does not exist"
                yield (
                    Severity.ERROR,
                    f"{kind} {at.name}, which {variable} refers to, {missing}",
                    "create it; without it, the pod fails to start (CreateContainerConfigError)",
                )


def _no_claims(facts: Facts) -> str:
    claims = facts.values.model.claims
    return "" if claims.leader or claims.worker else "model.claims is empty"


@CHECKS.add("claims", "the weights' PersistentVolumeClaims exist and are bound", _no_claims)
def _claims(facts: Facts) -> Answers:
    claims = facts.values.model.claims
    for name in filter(None, (claims.leader, claims.worker)):
        kind = "PersistentVolumeClaim"
        found = facts.cluster.get("v1", kind, name, facts.release.namespace)
        phase = ((found or {}).get("status") or {}).get("phase", "")
        if not found:
            yield (
                Severity.ERROR,
                f"claim {name} does not exist",
                "create it, with the weights on it",
            )
        elif phase not in ("Bound", ""):
            yield (
                Severity.WARNING,
                f"claim {name} is {phase}",
                "check its volume, unless its storage class waits for the first pod",
            )


@CHECKS.add("quota", "the ResourceQuotas of the namespace leave enough for the pods")
def _quota(facts: Facts) -> Answers:
    values = facts.values
    requests = values.engine.resources.requests
    needs = {
        values.npu.resource_name: float(facts.npus),
        "cpu": quantity(requests.cpu),
        "memory": quantity(requests.memory),
    }
    for item in facts.every("v1", "ResourceQuota", facts.release.namespace):
        status = item.get("status") or {}
        hard = status.get("hard") or item["spec"].get("hard") or {}
        for resource, need in needs.items():
            # Kubernetes writes cpu for requests.cpu, too.
            keys = [key for key in (f"requests.{resource}", resource) if key in hard]
            for key in keys:
                used = amount((status.get("used") or {}).get(key, "0"))
                back = sum(requested(pod, resource) for pod in facts.own_pods) if used else 0.0
                left = amount(hard[key]) - used + back
                if left < need * facts.pods:
                    yield (
                        Severity.ERROR,
                        f"ResourceQuota {item['metadata']['name']} leaves {left:g} of {key}, but "
                        f"{need * facts.pods:g} are needed",
                        "raise it",
                    )
