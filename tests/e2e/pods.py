"""Pods without a kubelet: containers as processes, on a network that only they have.

What a kubelet, kube-proxy and a cluster's DNS do is done here in its simplest form, so that charts
and controllers run as published. Each pod has its own network namespace, on one bridge, and its own
root folder with the files that its volumes and service account name. The address of a Service is an
address of the pod that it selects (so ports are not mapped), its name a line in /etc/hosts.

Programs come from this machine, under the names that their images give them. They run as root, and
without probes and limits. Needs root, iproute2 and util-linux; nothing of it outlives the tests,
since namespaces end with their last process.
"""

from __future__ import annotations

import base64
import ctypes
import os
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from control_plane import Tree, running, until
from parts import program, run
from tools import missing

from dsv4deploy.cluster.client import Cluster

NODE = "10.244.0.1"  # the machine's own address, where the API server listens
SERVICES = "10.0.0.0/24"
_NEW_NETWORK = 0x40000000  # CLONE_NEWNET


def _enter(network: int) -> None:
    """Moves this thread, and what it starts, to another network."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(network, _NEW_NETWORK):
        raise OSError(ctypes.get_errno(), "setns")


@contextmanager
def network() -> Iterator[None]:
    """A network without a way out, which this thread and what it starts are in for a while."""
    if os.geteuid():
        missing("pods need root: run the gateway's tests as root")
    ip = program("ip")
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    libc = ctypes.CDLL(None, use_errno=True)
    try:
        if libc.unshare(_NEW_NETWORK):
            missing(f"no network namespaces here: {os.strerror(ctypes.get_errno())}")
        for command in (
            "link set lo up",
            # With an address of its own: otherwise it takes a new one as ports come, and packets to
            # the old one are lost.
            "link add pods address 02:00:00:00:00:01 type bridge",
            f"address add {NODE}/24 dev pods",
            "link set pods up",
            f"route add {SERVICES} dev pods",
        ):
            run(ip, *command.split())
        yield
    finally:
        _enter(home)
        os.close(home)


@dataclass(frozen=True)
class Image:
    """What an image has that its containers run.

    Attributes:
        path: where its program is in the image, without the first slash; containers that name no
            command start it.
        program: where it is on this machine.
    """

    path: str
    program: Path


@dataclass
class Pod:
    """A running pod: its object, address, root folder and its containers' processes."""

    object: Tree
    address: str
    root: Path
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)


class Node:
    """The only machine of a cluster.

    Args:
        cluster: its API.
        folder: where the pods' files and logs go.
        api_server: port and certificate of the API server, which listens on :data:`NODE`.
        images: what replaces each image, by its name without registry and tag.
    """

    def __init__(
        self,
        cluster: Cluster,
        folder: Path,
        api_server: tuple[int, Path],
        images: dict[str, Image],
    ) -> None:
        self.cluster = cluster
        self.folder = folder
        self.pods: dict[str, Pod] = {}
        self._api_server = api_server
        self._images = images
        self._stack = ExitStack()

    def __enter__(self) -> Node:
        return self

    def __exit__(self, *_: object) -> None:
        for pod in self.pods.values():
            for process in pod.processes.values():
                process.kill()  # nobody waits for what they would finish
        self._stack.close()

    def start(self, workload: Tree) -> Pod:
        """A pod of a Deployment or a Job, once the API server and its webhooks have made it."""
        meta, template = workload["metadata"], workload["spec"]["template"]
        name = f"{meta['name']}-{uuid.uuid4().hex[:5]}"
        made = self.cluster.create(
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {**template["metadata"], "name": name, "namespace": meta["namespace"]},
                "spec": {**template["spec"], "nodeName": "node"},
            }
        )
        pod = Pod(made, f"10.244.0.{len(self.pods) + 2}", self.folder / name)
        # The first one of a workload goes by the workload's name.
        self.pods[name if meta["name"] in self.pods else meta["name"]] = pod
        self._files(pod)
        sandbox = self._sandbox(pod)
        self.publish()
        # Containers that run beside the others stand among those that run before them.
        for container in (*made["spec"].get("initContainers", []), *made["spec"]["containers"]):
            self._container(pod, container, sandbox)
        return pod

    def publish(self) -> None:
        """Gives Services their addresses, and pods their names."""
        services = [
            item
            for item in self.cluster.list("v1", "Service")
            if item["spec"].get("clusterIP", "None") != "None"
        ]
        for pod in self.pods.values():
            home = pod.object["metadata"]["namespace"]
            lines = ["127.0.0.1 localhost"]
            for item in services:
                name, space = item["metadata"]["name"], item["metadata"]["namespace"]
                names = [f"{name}.{space}{end}" for end in (".svc.cluster.local", ".svc", "")]
                names += [name] if space == home else []
                names.append(f"{names[0]}.")  # the way Envoy is told to ask, without a search
                lines.append(f"{item['spec']['clusterIP']} {' '.join(names)}")
            (pod.root / "etc" / "hosts").write_text("\n".join(lines) + "\n")

    def refresh(self, pod: Pod) -> None:
        """Brings a pod's volumes up to date, as a kubelet does now and then."""
        spec = pod.object["spec"]
        volumes = {volume["name"]: volume for volume in spec.get("volumes", [])}
        for container in (*spec.get("initContainers", []), *spec["containers"]):
            for mount in container.get("volumeMounts", []):
                target = pod.root / mount["mountPath"].lstrip("/")
                target.mkdir(parents=True, exist_ok=True)
                for name, content in self._volume(pod, volumes[mount["name"]]).items():
                    part = target / f".{name}"
                    part.write_bytes(content)
                    part.rename(target / name)

    def _volume(self, pod: Pod, volume: Tree) -> dict[str, bytes]:
        namespace = pod.object["metadata"]["namespace"]
        if "secret" in volume:
            secret = self.cluster.get("v1", "Secret", volume["secret"]["secretName"], namespace)
            assert secret, volume
            return {key: base64.b64decode(text) for key, text in secret["data"].items()}
        if "configMap" in volume:
            source = volume["configMap"]
            found = self.cluster.get("v1", "ConfigMap", source["name"], namespace)
            assert found or source.get("optional"), volume
            return {key: text.encode() for key, text in ((found or {}).get("data") or {}).items()}
        assert "emptyDir" in volume, volume
        return {}

    def _files(self, pod: Pod) -> None:
        for name in ("dev", "proc", "tmp", "etc", "bin", "usr/local/bin"):
            (pod.root / name).mkdir(parents=True)
        self.refresh(pod)
        spec, home = pod.object["spec"], pod.object["metadata"]["namespace"]
        account = spec.get("serviceAccountName")
        if account and spec.get("automountServiceAccountToken", True):
            asked = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
            path = self.cluster.path("v1", "ServiceAccount", home, account) + "/token"
            token = self.cluster.request("POST", path, body=asked)["status"]["token"]
            target = pod.root / "var/run/secrets/kubernetes.io/serviceaccount"
            target.mkdir(parents=True)
            (target / "token").write_text(token)
            (target / "namespace").write_text(home)
            shutil.copyfile(self._api_server[1], target / "ca.crt")

    def _sandbox(self, pod: Pod) -> int:
        """The process that holds a pod's namespaces, with network and mounts made; its id."""
        spec = pod.object["spec"]
        mounts = ["mount --rbind /dev dev", "mount --rbind /proc proc"]
        for name in ("lib", "lib64", "usr/lib", "usr/lib64"):
            here, there = Path("/") / name, pod.root / name
            if here.is_symlink():
                there.symlink_to(here.readlink())
            elif here.is_dir():
                there.mkdir(parents=True, exist_ok=True)
                mounts.append(f"mount --rbind {here} {name}")
        for container in (*spec.get("initContainers", []), *spec["containers"]):
            image = self._image(container)
            (pod.root / image.path).touch()
            mounts.append(f"mount --bind {image.program} {image.path}")
        script = "; ".join(["set -e", *mounts, "exec sleep infinity"])
        sandbox = self._stack.enter_context(
            running(
                pod.root.with_suffix(".sandbox.log"),
                *("setpriv", "--pdeathsig", "KILL", "unshare", "--net", "--mount"),
                *("sh", "-c", f"cd {pod.root}; {script}"),
            )
        )

        def made() -> bool:
            assert sandbox.poll() is None, pod.root.with_suffix(".sandbox.log").read_text()
            return Path(f"/proc/{sandbox.pid}/comm").read_text() == "sleep\n"

        until(f"{pod.root.name} has its namespaces", made)
        ip, device = program("ip"), f"pod{len(self.pods)}"
        peer = ("peer", "name", "eth0", "netns", str(sandbox.pid))
        run(ip, "link", "add", device, "type", "veth", *peer)
        run(ip, "link", "set", device, "master", "pods", "up")
        labels = pod.object["metadata"].get("labels", {})
        addresses = [f"{pod.address}/24"]
        for item in self.cluster.list("v1", "Service", pod.object["metadata"]["namespace"]):
            selector = item["spec"].get("selector")
            if selector and selector.items() <= labels.items():
                addresses.append(f"{item['spec']['clusterIP']}/32")
                self._endpoint(pod, item)
        for command in (
            "link set lo up",
            "link set eth0 up",
            *(f"address add {address} dev eth0" for address in addresses),
            f"route add {SERVICES} dev eth0 src {pod.address}",
        ):
            run("nsenter", "-t", sandbox.pid, "-n", ip, *command.split())
        return sandbox.pid

    def _endpoint(self, pod: Pod, service: Tree) -> None:
        meta = service["metadata"]
        labels = {**meta.get("labels", {}), "kubernetes.io/service-name": meta["name"]}
        name = {"name": pod.object["metadata"]["name"], "namespace": meta["namespace"]}
        ports = [
            {"name": port.get("name", ""), "port": port["targetPort"], "protocol": "TCP"}
            for port in service["spec"]["ports"]
        ]
        self.cluster.create(
            {
                "apiVersion": "discovery.k8s.io/v1",
                "kind": "EndpointSlice",
                "metadata": {**name, "labels": labels},
                "addressType": "IPv4",
                "endpoints": [{"addresses": [pod.address], "conditions": {"ready": True}}],
                "ports": ports,
            }
        )

    def _image(self, container: Tree) -> Image:
        return self._images[container["image"].rpartition("/")[2].partition(":")[0]]

    def _container(self, pod: Pod, container: Tree, sandbox: int) -> None:
        image = self._image(container)
        meta = pod.object["metadata"]
        fields = {"metadata.namespace": meta["namespace"], "metadata.name": meta["name"]}
        fields["status.podIP"] = pod.address
        environment = {
            "PATH": "/usr/local/bin:/bin",
            "KUBERNETES_SERVICE_HOST": NODE,
            "KUBERNETES_SERVICE_PORT": str(self._api_server[0]),
        }
        for item in container.get("env", []):
            source = item.get("valueFrom", {}).get("fieldRef", {}).get("fieldPath")
            environment[item["name"]] = fields.get(source, "") if source else item["value"]
        command = container.get("command") or [f"/{image.path}"]
        words = [*command, *container.get("args", [])]
        for name, text in environment.items():
            words = [word.replace(f"$({name})", text) for word in words]
        pod.processes[container["name"]] = self._stack.enter_context(
            running(
                self.folder / f"{meta['name']}.{container['name']}.log",
                *("setpriv", "--pdeathsig", "KILL"),
                *("nsenter", "-t", sandbox, "-n", "-m", "env", "-i"),
                *(f"{name}={text}" for name, text in environment.items()),
                *(program("chroot"), pod.root, *words),
            )
        )

    def serve(self, name: str, namespace: str) -> None:
        """A Service that this machine answers for, at whatever port something listens."""
        meta = {"name": name, "namespace": namespace}
        service = {"apiVersion": "v1", "kind": "Service", "metadata": meta}
        made = self.cluster.apply({**service, "spec": {"ports": [{"port": 80}]}})
        address = f"{made['spec']['clusterIP']}/32"
        run(program("ip"), "address", "add", address, "dev", "pods")
        self.publish()
