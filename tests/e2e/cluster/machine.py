"""One node's operating system: Linux namespaces that end with one process.

Network, mounts, processes, host name and IPC are the machine's own, so all programs find their
usual paths and ports, and nothing of this machine changes but a control group, which
:func:`machine` removes again. A node says that it has the cores and the memory of a host with eight
cards, so that the requests of a real deployment fit: kubelet reads them where the machine has files
of its own.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from control_plane import until
from parts import run
from tools import missing

CORES, MEMORY = 192, 1536  # GiB
_CGROUPS = Path("/sys/fs/cgroup")
# What nodes need of the kernel, and a command that fails without it.
_NEEDS = {
    "bridges": "ip link add probe type bridge",
    "pairs of network devices (veth)": "ip link add probe0 type veth peer name probe1",
    "filtering on bridges (br_netfilter)": "echo 1 >/proc/sys/net/bridge/bridge-nf-call-iptables",
    "nftables": "nft add table ip probe"
    " && nft add chain ip probe nat '{ type nat hook output priority 0; }'",
    "iptables": "iptables -w -N PROBE",
    "IP sets": "ipset create probe hash:ip",
    "overlayfs": "cd $(mktemp -d) && mount -t tmpfs none . && mkdir l u w m"
    " && mount -t overlay none -o lowerdir=l,upperdir=u,workdir=w m",
}
_PROGRAMS = ("containerd", "conntrack", "ctr", "ip", "ipset", "iptables", "nft", "runc")
_NAMESPACES = ("unshare", "--net", "--mount", "--pid", "--uts", "--ipc", "--fork", "--kill-child")
_SCRIPT = """
set -e
mount --make-rprivate /
mount --bind {folder}/lib /var/lib
mount --bind {folder}/log /var/log
mount -t tmpfs tmpfs /run
mkdir /run/lock
{fakes}
mount --make-rshared /
ip link set lo up
echo 1 >/proc/sys/net/ipv4/ip_forward
echo 1 >/proc/sys/net/bridge/bridge-nf-call-iptables
echo {name} >/proc/sys/kernel/hostname
touch /run/made
sleep infinity & wait  # A shell reaps orphans.
"""


def require() -> None:
    """Skips the test where no node can run, or fails it in CI, and names what is lacking."""
    if os.geteuid():
        missing("a Kubernetes node needs root")
    lacking = [name for name in _PROGRAMS if not shutil.which(name)]
    if lacking:
        missing(f"a Kubernetes node needs these programs: {', '.join(lacking)}")
    if not Path("/usr/lib/cni/bridge").exists():
        missing("a Kubernetes node needs CNI's plugins in /usr/lib/cni")
    for name, command in {"namespaces": "true", **_NEEDS}.items():
        tried = subprocess.run(
            [*_NAMESPACES, "sh", "-c", command], capture_output=True, text=True, check=False
        )
        if tried.returncode:
            missing(f"a Kubernetes node needs {name}: `{command}`: {tried.stderr.strip()}")
    if not os.access(_CGROUPS, os.W_OK) or not _hierarchies():
        missing(f"a Kubernetes node needs control groups that it may write in {_CGROUPS}")


@dataclass
class Machine:
    """A running machine.

    Attributes:
        name: its host name.
        folder: its files and logs.
        pid: its first process.
    """

    name: str
    folder: Path
    holder: subprocess.Popen[bytes]
    pid: str = ""
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def group(self) -> str:
        """The control group of its pods."""
        return f"dsv4deploy-{os.getpid()}-{self.holder.pid}-{self.name}"

    def command(self, *command: object) -> list[str]:
        """A command line that runs a command on the machine."""
        return ["nsenter", "-t", self.pid, "-n", "-m", "-p", "-u", "-i", *map(str, command)]

    def run(self, *command: object) -> str:
        """Runs a command and gives what it printed."""
        return run(*self.command(*command))

    def attempt(self, *command: object) -> str:
        """What a command printed; ``""`` where it failed."""
        words = self.command(*command)
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        return "" if done.returncode else done.stdout

    def start(self, name: str, *command: object) -> None:
        """Starts a daemon; its log is ``<folder>/<name>.log``."""
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                self.command(*command), stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def signal(self, name: str, number: signal.Signals) -> None:
        """Sends a daemon a signal."""
        entered = self.processes[name].pid
        (daemon,) = Path(f"/proc/{entered}/task/{entered}/children").read_text().split()
        os.kill(int(daemon), number)

    @contextmanager
    def paused(self, name: str) -> Iterator[None]:
        """A daemon gives no answer while the block runs."""
        self.signal(name, signal.SIGSTOP)
        try:
            yield
        finally:
            # nsenter has stopped with it, and makes it go on.
            self.processes[name].send_signal(signal.SIGCONT)

    def stop(self, name: str) -> None:
        """Ends a daemon at once."""
        self.signal(name, signal.SIGKILL)
        self.processes.pop(name).wait()

    def alive(self) -> None:
        """Fails where a daemon has ended."""
        for name, process in self.processes.items():
            log = self.folder / f"{name}.log"
            assert process.poll() is None, f"{name} has ended: {log.read_text()[-2000:]}"

    @contextmanager
    def network(self) -> Iterator[None]:
        """This thread, and what it starts, are in the machine's network for a while."""
        with Path("/proc/thread-self/ns/net").open() as home:
            with Path(f"/proc/{self.pid}/ns/net").open() as there:
                _enter(there.fileno())
            try:
                yield
            finally:
                _enter(home.fileno())


def _enter(namespace: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(namespace, 0):
        raise OSError(ctypes.get_errno(), "setns")


@contextmanager
def machine(name: str, folder: Path) -> Iterator[Machine]:
    """A machine while the block runs; it ends with this thread, however that ends."""
    for path in ("lib/kubelet", "log"):
        (folder / path).mkdir(parents=True)
    script = _SCRIPT.format(name=name, folder=folder, fakes="\n".join(_fakes(folder / "fake")))
    log = folder / "machine.log"
    with log.open("wb") as output:
        holder = subprocess.Popen(
            [*("setpriv", "--pdeathsig", "KILL"), *_NAMESPACES, "--mount-proc", "sh", "-c", script],
            stdout=output,
            stderr=output,
        )
    made = Machine(name, folder, holder)
    try:

        def first() -> str:
            assert holder.poll() is None, log.read_text()
            pids = Path(f"/proc/{holder.pid}/task/{holder.pid}/children").read_text().split()
            return pids[0] if pids and Path(f"/proc/{pids[0]}/root/run/made").exists() else ""

        made.pid = until(f"{name} has its namespaces", first)
        _make_groups(made.group)
        yield made
    finally:
        holder.kill()
        holder.wait()
        for process in made.processes.values():
            process.kill()  # nsenter stops itself where its program is stopped
            process.wait()
        _remove_groups(made.group)
        shutil.rmtree(folder / "lib")


def _fakes(folder: Path) -> Iterator[str]:
    """Mounts over what kubelet reads of this machine, or would change on it."""
    folder.mkdir()
    memory = Path("/proc/meminfo").read_text().splitlines()
    memory[0] = f"MemTotal: {MEMORY * 2**20} kB"
    files = {
        "/proc/meminfo": "\n".join(memory),
        "/proc/sys/vm/overcommit_memory": "1",
        "/proc/sys/vm/panic_on_oom": "0",
        "/proc/sys/kernel/panic": "10",
        "/proc/sys/kernel/panic_on_oops": "1",
    }
    for path, content in files.items():
        fake = folder / Path(path).name
        fake.write_text(f"{content}\n")
        yield f"mount --bind {fake} {path}"
    real, cpus = Path("/sys/devices/system/cpu"), folder / "cpu"
    for core in range(CORES):
        topology = cpus / f"cpu{core}" / "topology"
        topology.mkdir(parents=True)
        (topology / "core_id").write_text(f"{core}\n")
        (topology / "physical_package_id").write_text("0\n")
    # kubelet counts the folders, but gives pods the cores that are online.
    for name in ("online", "present", "possible"):
        (cpus / name).write_text((real / name).read_text())
    yield f"mount --bind {cpus} {real}"
    if (real.parent / "node").is_dir():
        (folder / "node").mkdir()
        yield f"mount --bind {folder / 'node'} {real.parent / 'node'}"


def _hierarchies() -> list[Path]:
    """The folders of all control groups: one with version 2, else one for each controller."""
    if (_CGROUPS / "cgroup.controllers").exists():
        return [_CGROUPS]
    return [path for path in _CGROUPS.iterdir() if (path / "tasks").exists()]


def _make_groups(name: str) -> None:
    left_behind = (*_CGROUPS.glob("dsv4deploy-*"), *_CGROUPS.glob("*/dsv4deploy-*"))
    for left in {path.name for path in left_behind}:
        if not Path("/proc", left.split("-")[1]).exists():
            _remove_groups(left)  # of tests that were killed
    for top in _hierarchies():
        group = top / name
        group.mkdir()
        for limit in ("cpuset.cpus", "cpuset.mems"):
            if (top / limit).exists():
                (group / limit).write_text((top / limit).read_text())


def _remove_groups(name: str) -> None:
    """Removes a machine's control groups, once the last processes have left them."""
    end = time.monotonic() + 20
    for top in (_CGROUPS, *_CGROUPS.iterdir()):
        folders = [*(top / name).rglob("*/"), top / name]
        for folder in sorted(folders, key=lambda path: -len(path.parts)):
            while folder.is_dir():
                try:
                    folder.rmdir()
                except OSError:
                    assert time.monotonic() < end, f"{folder} has processes"
                    time.sleep(0.05)
