"""Whether the nodes have the NPUs, the disk and the drivers that the pods need."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ...findings import Severity
from ...sizing.engine import engine_build
from ...values.tree import Toleration
from .facts import Facts, allocatable, closed, labels
from .registry import Answers, Checks

CHECKS = Checks()


def _none_chosen(facts: Facts) -> str:
    return "" if facts.chosen else "npu.nodeSelector selects no node with these NPUs"


def _none_ready(facts: Facts) -> str:
    return _none_chosen(facts) or ("" if facts.fitting else "no selected node accepts pods")


def _no_image(facts: Facts) -> str:
    return "" if facts.values.model.uri.startswith("oci://") else "model.uri is not an image"


@CHECKS.add("npu-nodes", "nodes offer the NPUs, and npu.nodeSelector selects at least one")
def _npus(facts: Facts) -> Answers:
    resource = facts.values.npu.resource_name
    if not facts.nodes:
        yield (
            Severity.ERROR,
            f"no node offers {resource}",
            "install the device plugin, or set npu.resourceName to the name that `kubectl describe "
            "node` shows",
        )
    elif not facts.chosen:
        yield (
            Severity.ERROR,
            f"{len(facts.nodes)} nodes offer {resource}, but npu.nodeSelector selects none of them",
            "set npu.nodeSelector to labels of these nodes",
        )


@CHECKS.add(
    "nodes-ready", "the nodes that npu.nodeSelector selects are ready and accept pods", _none_chosen
)
def _nodes_ready(facts: Facts) -> Answers:
    for node in facts.chosen:
        if why := closed(node):
            yield (
                Severity.WARNING if facts.fitting else Severity.ERROR,
                f"node {node['metadata']['name']} {why}",
                "find the cause with `kubectl describe node`; `kubectl uncordon` enables "
                "scheduling again",
            )


@CHECKS.add("free-npus", "enough nodes have all the NPUs of a pod free")
def _free(facts: Facts) -> Answers:
    resource = facts.values.npu.resource_name
    room = sum(int(facts.left(node, resource) / facts.npus) for node in facts.fitting)
    if room < facts.pods:
        yield (
            Severity.ERROR,
            f"there is room for {room} pods with {facts.npus} × {resource} each, but "
            f"{facts.pods} are needed",
            "free some NPUs; `kubectl get pods -A -o wide` shows the pods on each node",
        )


_CARD = "node.kubernetes.io/npu.chip.name"


@CHECKS.add("card", "the nodes' cards match npu.card", _none_ready)
def _card(facts: Facts) -> Answers:
    wanted = facts.values.npu.card
    told = {node["metadata"]["name"]: labels(node).get(_CARD, "") for node in facts.fitting}
    wrong = {name: card for name, card in told.items() if card and not _same(card, wanted)}
    if wrong:
        name, card = next(iter(wrong.items()))
        yield (
            Severity.ERROR,
            f"node {name} has {card}, not {wanted}: {len(wrong)} of {len(told)} nodes",
            f"add the label {_CARD} to npu.nodeSelector, or set npu.card to the nodes' card",
        )
    elif not all(told.values()):
        yield (
            Severity.UNKNOWN,
            f"no label {_CARD} shows which card the nodes have, 32 GB or 64 GB",
            "label the nodes, or check the cards with npu-smi",
        )


def _same(card: str, wanted: str) -> bool:
    short = card.removeprefix("Ascend").removeprefix("-").upper()
    return short == wanted or (wanted == "A3" and short.startswith(("910C", "A3", "910_93")))


@CHECKS.add("arm64", "the nodes are arm64, like the images", _none_ready)
def _arm(facts: Facts) -> Answers:
    other = [
        node["metadata"]["name"]
        for node in facts.fitting
        if labels(node).get("kubernetes.io/arch", "arm64") != "arm64"
    ]
    if other:
        yield (
            Severity.ERROR,
            f"these nodes are not arm64: {', '.join(other)}",
            "add kubernetes.io/arch: arm64 to npu.nodeSelector",
        )


# A containerd node holds a ModelCar compressed and unpacked: 128 GB and 151 GB of W4A8 (Alauda AI
# documentation); of W8A8 280 GB, taken twice.
_DISK = {"w4a8": 280e9, "w8a8": 560e9}


@CHECKS.add(
    "disk",
    "the nodes have enough free disk for the weights, compressed and unpacked",
    _no_image,
    _none_ready,
)
def _disk(facts: Facts) -> Answers:
    need = _DISK[facts.values.model.quantization]
    weights = facts.values.model.uri.removeprefix("oci://")
    for node in facts.fitting:
        name = node["metadata"]["name"]
        images = (node.get("status") or {}).get("images") or []
        if any(weights in (each.get("names") or []) for each in images):
            continue  # they are there already
        free = facts.left(node, "ephemeral-storage") - sum(
            each.get("sizeBytes") or 0 for each in images
        )
        if not allocatable(node, "ephemeral-storage"):
            yield (
                Severity.UNKNOWN,
                f"node {name} does not report its disk space",
                f"run `df` on the node: the weights need up to {need / 1e9:.0f} GB",
            )
        elif free < need:
            yield (
                Severity.ERROR,
                f"node {name} has {max(free, 0) / 1e9:.0f} GB of ephemeral disk left by its "
                f"images and pods, but the weights need up to {need / 1e9:.0f} GB",
                "add disk space, or store the weights on a PersistentVolumeClaim (pvc://)",
            )


@CHECKS.add("taints", "the engine's pods tolerate the nodes' taints", _none_ready)
def _taints(facts: Facts) -> Answers:
    for node in facts.fitting:
        for taint in node["spec"].get("taints") or []:
            # Kubernetes' own taints repeat the node's conditions.
            own = taint["key"].startswith("node.kubernetes.io/")
            if own or _tolerated(taint, facts.values.npu.tolerations):
                continue
            yield (
                Severity.ERROR,
                f"node {node['metadata']['name']} has the taint {taint['key']}:{taint['effect']}, "
                "which the pods do not tolerate",
                f"add {taint['key']} to npu.tolerations",
            )


def _tolerated(taint: Mapping[str, str], tolerations: Mapping[str, Toleration]) -> bool:
    known = [tolerations[key] for key in (taint["key"], "*") if key in tolerations]
    return taint["effect"] == "PreferNoSchedule" or any(
        each.effect in ("", taint["effect"])
        and (each.operator == "Exists" or each.value == taint.get("value", ""))
        for each in known
    )


# DSpark's image of vLLM 0.25.1 has CANN 9.0.1.
_DRIVERS = {"0.22.1": (25, 0), "0.23.0": (25, 2), "0.25.0": (25, 2), "0.25.1": (25, 0)}
# Storage and network plugins label their drivers' versions too.
_DRIVER_LABEL = re.compile(r"(?=.*(npu|ascend|hdk)).*(driver|hdk).*version", re.IGNORECASE)


@CHECKS.add(
    "driver",
    "the nodes' drivers are compatible with the image's CANN, as far as labels show",
    _none_ready,
)
def _driver(facts: Facts) -> Answers:
    build = engine_build(facts.values)
    least = _DRIVERS.get(build.vllm.version) if build else None
    for node in facts.fitting:
        told = [text for key, text in labels(node).items() if _DRIVER_LABEL.search(key)]
        numbers = re.match(r"([0-9]{1,6})\.([0-9]{1,6})", told[0]) if told else None
        name = node["metadata"]["name"]
        look = "run `npu-smi info` on the node: CANN 9.0 needs HDK 25.0, CANN 9.1 needs 25.2"
        if not numbers:
            yield Severity.UNKNOWN, f"no label shows node {name}'s driver", look
        elif not least:
            image = facts.values.engine.image
            yield Severity.UNKNOWN, f"the driver version that image {image} needs is unknown", look
        elif (int(numbers[1]), int(numbers[2])) < least:
            yield (
                Severity.ERROR,
                f"node {name} has driver {told[0]}, older than {least[0]}.{least[1]}",
                "upgrade the driver, or use an image with an older CANN",
            )
