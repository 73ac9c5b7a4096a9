"""A real Kubernetes cluster: etcd, the control plane, and nodes with containerd and kubelet.

Every node is a :mod:`.machine`. The first one runs the control plane too, and has the bridge that
the others are connected to. This network has no route to others: an image that was not imported
can't be pulled.

Other than in a cluster elsewhere there is no AppArmor, out-of-memory scores are not set, users come
from a file of tokens, and NPUs exist in name only.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from control_plane import certificate, etcd, kubeconfig, until
from parts import go_build, run
from tools import find

from .machine import Machine, machine

Tree = dict[str, Any]
SERVICES, DNS = "10.96.0.0/16", "10.96.0.10"
_GROUPS = {
    "admin": "system:masters",
    "reader": "readers",
    "system:kube-controller-manager": "",
    "system:kube-proxy": "system:node-proxier",
    "system:kube-scheduler": "",
    "system:node:n1": "system:nodes",
    "system:node:n2": "system:nodes",
    "system:node:n3": "system:nodes",
}
"""The users, with the group of each."""
_LABELS = "node.kubernetes.io/npu.chip.name=910B4"
_CONTAINERD = """
version = 2
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "local/pause:1"
  netns_mounts_under_state_dir = true
  disable_apparmor = true
  restrict_oom_score_adj = true  # lower scores need a right that not every root has
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "{folder}/net.d"
"""


@dataclass
class Cluster:
    """A running cluster.

    Attributes:
        folder: the control plane's files.
        kube: the program that is each of Kubernetes' own.
        machines: the first one has the control plane.
    """

    folder: Path
    kube: Path
    machines: list[Machine] = field(default_factory=list)

    @property
    def first(self) -> Machine:
        """The machine with the control plane."""
        return self.machines[0]

    @property
    def kubeconfig(self) -> Path:
        """Contexts ``admin``, who may do all, and ``reader``, who may do nothing."""
        return self.folder / "kubeconfig"

    def kubectl(self, *words: object, stdin: str = "") -> str:
        """What kubectl prints, as the administrator."""
        network = ("nsenter", "-t", self.first.pid, "-n")
        return run(*network, find("kubectl"), "--kubeconfig", self.kubeconfig, *words, stdin=stdin)

    def get(self, kind: str, name: str, namespace: str = "default") -> Tree | None:
        """An object, if it is there."""
        words = ("get", kind, name, "-n", namespace, "-o", "json", "--ignore-not-found")
        found: Tree | None = json.loads(self.kubectl(*words) or "null")
        return found

    def list(self, kind: str, namespace: str = "", labels: str = "") -> list[Tree]:
        """The objects of a kind, of all namespaces where none is named."""
        space = ("-n", namespace) if namespace else ("-A",)
        text = self.kubectl("get", kind, *space, "-l", labels, "-o", "json")
        found: list[Tree] = json.loads(text)["items"]
        return found

    def apply(self, *items: Tree, namespace: str = "") -> None:
        """Applies objects; those that name no namespace go to this one."""
        text = json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
        place = ("-n", namespace) if namespace else ()
        words = ("apply", "--server-side", "--force-conflicts", *place, "-f", "-")
        self.kubectl(*words, stdin=text)

    def ready(self, node: Machine) -> bool:
        """Whether a node is Ready and has its NPUs; fails where one of its programs has ended."""
        node.alive()
        status = (self.get("node", node.name) or {}).get("status", {})
        held = [each["type"] for each in status.get("conditions", []) if each["status"] == "True"]
        return "Ready" in held and status["allocatable"].get("huawei.com/Ascend910", "0") != "0"


@contextmanager
def control_plane(folder: Path) -> Iterator[Cluster]:
    """A cluster with a control plane and no node yet."""
    with machine("n1", folder / "n1") as first:
        made = Cluster(folder / "control", go_build("kube"), [first])
        for command in (
            "link add nodes type bridge",
            f"address add {_address(1)}/24 dev nodes",
            "link set nodes up",
            # kube-proxy redirects what is sent to Services, and without a route nothing is sent.
            f"route add {SERVICES} dev nodes src {_address(1)}",
        ):
            first.run("ip", *command.split())
        _start_api_server(made)
        accounts = made.folder / "accounts" / "tls.key"
        authority = made.folder / "serving" / "apiserver.crt"
        for name, *more in (
            (
                "kube-controller-manager",
                *("--service-account-private-key-file", accounts, "--root-ca-file", authority),
                *("--use-service-account-credentials", "--flex-volume-plugin-dir", "/var/lib/flex"),
            ),
            ("kube-scheduler",),
        ):
            own = _own(made, f"system:{name}")
            first.start(
                name,
                *(made.kube, name, "--kubeconfig", own, "--authentication-kubeconfig", own),
                *("--authorization-kubeconfig", own, "--leader-elect=false"),
                *("--bind-address", "127.0.0.1", *more),
            )
        first.start(
            "load-balancers",
            *(made.kube, "load-balancers", "--kubeconfig", _own(made, "admin")),
            *("--first", _address(200)),
        )
        yield made


def _address(number: int) -> str:
    return f"172.30.8.{number}"


def _pods(number: int) -> str:
    return f"10.244.{number}.0/24"


def _own(made: Cluster, user: str) -> Path:
    """A user's own kubeconfig."""
    return made.folder / f"{user}.kubeconfig"


def _start_api_server(made: Cluster) -> None:
    folder, first = made.folder, made.first
    certificate(folder / "accounts")
    # Its own authority: kubelets trust it, and whoever has it may do all.
    client = certificate(folder / "client", "/O=system:masters/CN=kube-apiserver")
    lines = [f'{user},{user},{user},"{group}"\n' for user, group in _GROUPS.items()]
    (folder / "tokens.csv").write_text("".join(lines))
    store = "http://127.0.0.1:2379"
    first.start(
        "etcd",
        *(etcd(), "--data-dir", "/var/lib/etcd", "--unsafe-no-fsync"),
        *("--listen-client-urls", store, "--advertise-client-urls", store),
    )
    first.start(
        "kube-apiserver",
        *(made.kube, "kube-apiserver", "--etcd-servers", store),
        *("--cert-dir", folder / "serving", "--token-auth-file", folder / "tokens.csv"),
        *("--bind-address", _address(1), "--advertise-address", _address(1)),
        *("--service-account-issuer", "https://kubernetes.default.svc"),
        *("--service-account-key-file", folder / "accounts" / "tls.crt"),
        *("--service-account-signing-key-file", folder / "accounts" / "tls.key"),
        *("--authorization-mode", "Node,RBAC", "--enable-admission-plugins", "NodeRestriction"),
        *("--service-cluster-ip-range", SERVICES, "--allow-privileged"),
        *(
            "--kubelet-client-certificate",
            client,
            "--kubelet-client-key",
            client.with_suffix(".key"),
        ),
        *("--kubelet-preferred-address-types", "InternalIP"),
    )
    authority = folder / "serving" / "apiserver.crt"
    until("the API server has a certificate", authority.is_file)
    server = f"https://{_address(1)}:6443"
    for user in _GROUPS:
        _own(made, user).write_text(kubeconfig(server, authority, {user: user}))
    users = {user: user for user in ("admin", "reader")}
    made.kubeconfig.write_text(kubeconfig(server, authority, users))
    health = (find("kubectl"), "--kubeconfig", made.kubeconfig, "get", "--raw", "/readyz")
    until("the API server is ready", lambda: first.attempt(*health) == "ok")


@contextmanager
def node(made: Cluster, *archives: Path, **kubelet: Tree) -> Iterator[Machine]:
    """One more machine as a node of the cluster, until the block ends.

    Args:
        made: the cluster.
        archives: the images that it has.
        kubelet: fields of its kubelet's configuration that other nodes do not have.
    """
    number = len(made.machines) + 1
    # A cluster may have several of this name, one after another.
    folder = tempfile.mkdtemp(prefix=f"n{number}-", dir=made.folder.parent)
    with machine(f"n{number}", Path(folder)) as added:
        near, far = f"to-{added.name}", "eth0"
        first = ("nsenter", "-t", made.first.pid, "-n")
        run(*first, *f"ip link add {near} type veth peer name {far} netns {added.pid}".split())
        run(*first, *f"ip link set {near} master nodes up".split())
        for command in (
            f"address add {_address(number)}/24 dev {far}",
            f"link set {far} up",
            f"route add {SERVICES} dev {far} src {_address(number)}",
        ):
            added.run("ip", *command.split())
        for other, each in enumerate(made.machines, 1):
            added.run("ip", "route", "add", _pods(other), "via", _address(other))
            each.run("ip", "route", "replace", _pods(number), "via", _address(number))
        made.machines.append(added)
        try:
            join(made, added, *archives, **kubelet)
            yield added
        finally:
            made.machines.remove(added)
            made.kubectl("delete", "node", added.name, "--ignore-not-found")


def join(made: Cluster, added: Machine, *archives: Path, **settings: Tree) -> None:
    """Makes a machine a node, with more settings of kubelet; returns before it is Ready."""
    folder, number = added.folder, int(added.name.removeprefix("n"))
    (folder / "containerd.toml").write_text(_CONTAINERD.format(folder=folder))
    (folder / "net.d").mkdir()
    (folder / "net.d" / "pods.conflist").write_text(json.dumps(_network(number)))
    (folder / "resolv.conf").write_text("nameserver 127.0.0.1\n")
    added.start("containerd", "containerd", "--config", folder / "containerd.toml")
    until(f"containerd of {added.name} answers", lambda: added.attempt("ctr", "version"))
    for archive in archives:
        load(added, archive)
    kubelet, proxy = folder / "kubelet.json", folder / "kube-proxy.json"
    kubelet.write_text(json.dumps({**_kubelet(made, added), **settings}))
    proxy.write_text(json.dumps(_proxy(made, added)))
    own = _own(made, f"system:node:{added.name}")
    added.start(
        "kubelet",
        *(made.kube, "kubelet", "--config", kubelet, "--kubeconfig", own),
        *("--hostname-override", added.name, "--node-ip", _address(number)),
        *("--cert-dir", folder / "kubelet", "--node-labels", _LABELS),
    )
    added.start("kube-proxy", made.kube, "kube-proxy", "--config", proxy)
    added.start("device-plugin", made.kube, "device-plugin", "--unhealthy", folder / "unhealthy")
    until(f"{added.name} is registered", lambda: made.get("node", added.name))
    added.start(
        "network-policies",
        *(made.kube, "network-policies", "--kubeconfig", _own(made, "admin")),
        *("--hostname-override", added.name, "--service-cluster-ip-range", SERVICES),
    )


def load(node: Machine, archive: Path) -> None:
    """Imports an archive's images."""
    node.run("ctr", "--namespace", "k8s.io", "images", "import", archive)


def _network(number: int) -> Tree:
    addresses = {"type": "host-local", "ranges": [[{"subnet": _pods(number)}]]}
    bridge = {
        "type": "bridge",
        "bridge": "pods",
        "isDefaultGateway": True,
        "hairpinMode": True,
        "ipam": {**addresses, "dataDir": "/run/cni"},
    }
    ports = {"type": "portmap", "capabilities": {"portMappings": True}}
    return {"cniVersion": "1.0.0", "name": "pods", "plugins": [bridge, ports]}


def _kubelet(made: Cluster, added: Machine) -> Tree:
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(made.folder / "client" / "tls.crt")},
        },
        "authorization": {"mode": "Webhook"},
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{added.group}",
        "failCgroupV1": False,
        "failSwapOn": False,
        "clusterDNS": [DNS],
        "clusterDomain": "cluster.local",
        "containerRuntimeEndpoint": "unix:///run/containerd/containerd.sock",
        "resolvConf": str(added.folder / "resolv.conf"),
        "volumePluginDir": "/var/lib/flex",
        # The disk is that of this machine, however full it may be.
        "evictionHard": {"memory.available": "100Mi", "nodefs.available": "1%"},
        "imageGCHighThresholdPercent": 100,
        "nodeStatusUpdateFrequency": "4s",
    }


def _proxy(made: Cluster, added: Machine) -> Tree:
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "nftables",
        "clientConnection": {"kubeconfig": str(_own(made, "system:kube-proxy"))},
        "clusterCIDR": "10.244.0.0/16",
        "hostnameOverride": added.name,
        # These limits are the whole machine's.
        "conntrack": {"maxPerCore": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
    }
