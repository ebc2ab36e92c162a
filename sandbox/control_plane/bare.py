"""The control plane by itself, without the AWS engine, the platform or a kubelet, for tests of the API server."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path

import httpx

from sandbox.control_plane.binaries import Binaries
from sandbox.control_plane.run import ADMIN_TOKEN, certificates, commands
from sandbox.places import Ports, SandboxError, alive

_READY_SECONDS = 90
_CONTROLS = ("etcd", "kube-apiserver", "kube-controller-manager")

_NEEDS_KUBELETS = ("nodelifecycle",)
"""Controllers that need kubelets: this one takes a node without a heartbeat for dead."""


@dataclass(frozen=True)
class Bare:
    """A running control plane; its objects go with it."""

    ports: Ports
    server: str
    authority: Path
    """The certificate that its own is signed with."""
    admin_token: str
    version: tuple[int, int]
    """Major and minor version of Kubernetes."""
    ready_seconds: float
    """From the start of etcd to the API server's first answer that it is ready."""
    memory_mib: dict[str, float]
    """Resident, of each process, when it was ready."""


@contextmanager
def running(binaries: Binaries, folder: Path, *, kubelets: bool = False) -> Iterator[Bare]:
    """Start etcd, the API server and the controller manager in ``folder``, on ports that are free; end them after.

    ``kubelets``: somebody plays them, so that pods are scheduled and nodes without a heartbeat are dead.
    Raises SandboxError if the API server does not get ready in time.
    """
    ports = _free()
    certificates(folder)
    processes: dict[str, subprocess.Popen[bytes]] = {}
    began = time.monotonic()
    try:
        controls = (*_CONTROLS, *(("kube-scheduler",) if kubelets else ()))
        without = () if kubelets else _NEEDS_KUBELETS
        for name, command in commands(binaries, folder, ports, without=without).items():
            if name in controls:
                with (folder / f"{name}.log").open("wb") as log:
                    processes[name] = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                                       start_new_session=True)
        server = f"https://127.0.0.1:{ports.apiserver}"
        _await(server, folder, processes["kube-apiserver"].pid)
        yield Bare(ports, server, folder / "ca.crt", ADMIN_TOKEN, binaries.version, time.monotonic() - began,
                   {name: _resident_mib(process.pid) for name, process in processes.items()})
    finally:
        for number in (signal.SIGTERM, signal.SIGKILL):
            for process in reversed(processes.values()):
                if process.poll() is None:
                    os.killpg(process.pid, number)
            for process in processes.values():
                try:
                    process.wait(timeout=5)
                except subprocess.TimeoutExpired:
                    continue


def _free() -> Ports:
    probes = [socket.socket() for _ in fields(Ports)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return Ports(*(probe.getsockname()[1] for probe in probes))
    finally:
        for probe in probes:
            probe.close()


def _await(server: str, folder: Path, pid: int) -> None:
    end = time.monotonic() + _READY_SECONDS
    with httpx.Client(verify=False, timeout=2, headers={  # noqa: S501 - is it there at all
            "Authorization": f"Bearer {ADMIN_TOKEN}"}) as client:
        while time.monotonic() < end and alive(pid):
            try:
                if client.get(f"{server}/readyz").status_code == 200:
                    return
            except httpx.HTTPError:
                pass
            time.sleep(0.1)
    tail = (folder / "kube-apiserver.log").read_text(errors="replace").splitlines()[-15:]
    raise SandboxError("the API server did not get ready:\n" + "\n".join(tail))


def _resident_mib(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return round(int(line.split()[1]) / 1024, 1)
    return 0.0
