"""Start, deploy to and end the sandbox."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import boto3
import httpx
import yaml

from sandbox import fingerprint, fixtures
from sandbox.admin import Engine
from sandbox.control_plane import binaries
from sandbox.control_plane import run as control_plane
from sandbox.eyes import of_run
from sandbox.eyes import overrides as eyes
from sandbox.places import (
    ENGINE_STATE,
    ROOT,
    SERVICE,
    STATE,
    Ports,
    SandboxError,
    Up,
    alive,
    aws_environment,
    stand_ins,
)
from sandbox.remote import Remote
from stacks import settings
from stacks.configuration import read_file
from stacks.contradictions.remedies import never_run
from stacks.deployed import Refused
from stacks.deployment import Settings
from stacks.rbac import rendered

Say = Callable[[str, float | None], None]
"""Reports progress: the step, and the seconds that it took (None when it begins)."""

STACK = "IncidentResponse"
_READY_SECONDS = 60
_SETTINGS_SECONDS = 15.0
"""For how long a function may keep the settings that it read (``handlers/settings.py:LATELY_SECONDS``)."""


def say_plain(what: str, seconds: float | None) -> None:
    """Print the progress as lines."""
    if seconds is not None:
        print(f"  {what} ({seconds:.1f} s)", flush=True)


@contextmanager
def timed(say: Say, what: str) -> Iterator[None]:
    """Tell when a part begins and how long it took."""
    started = time.monotonic()
    say(what, None)
    yield
    say(what, time.monotonic() - started)


def up(say: Say = say_plain, overrides: Mapping[str, Any] | None = None, responder: bool = True) -> Up:
    """Return the running sandbox with the configuration deployed; starts it if none runs. Raises SandboxError.

    Without ``responder`` there is the platform alone, as a team has it before it takes the responder into use; a later
    start with it begins anew.
    """
    running = Up.load()
    if running and running.outputs:
        os.environ.update(aws_environment(running.ports))
        return ensure_deployed(running, overrides or {}, say)
    stop_leftovers()
    ports = Ports.planned()
    ports.check_free()
    kubernetes = binaries.find()
    if kubernetes is None:
        with timed(say, "Kubernetes built, once for this machine"):
            kubernetes = binaries.build()
    shutil.rmtree(STATE / "control-plane", ignore_errors=True)
    (STATE / "logs").mkdir(parents=True, exist_ok=True)
    os.environ.update(aws_environment(ports))
    processes: dict[str, int] = {}

    def spawn(name: str, command: list[str], environment: Mapping[str, str]) -> None:
        processes[name] = _spawn(name, command, environment)
        # Written at once, so that the processes of a start that was killed can be found and stopped.
        Up(ports, processes, {}).save()

    try:
        with timed(say, f"AWS engine and control plane up: {kubernetes}"):
            control_plane.certificates(STATE / "control-plane")
            spawn("engine", [sys.executable, "-m", "sandbox.engine"], _of_engine(ports))
            for name, command in control_plane.commands(kubernetes, STATE / "control-plane", ports).items():
                if name == "kube-controller-manager":
                    # It gives up where the API server is not well within ten seconds, which a busy machine may need.
                    _await(f"https://127.0.0.1:{ports.apiserver}/readyz", processes, "kube-apiserver")
                spawn(name, command, {})
            _await(f"http://127.0.0.1:{ports.aws}/_ministack/health", processes, "engine")
            _await(f"https://127.0.0.1:{ports.apiserver}/readyz", processes, "kube-apiserver")
            # glibc gives each thread a heap of its own, and each keeps what a vendor's largest answer once needed.
            spawn("world", [sys.executable, "-m", "sandbox.world"], {
                "SANDBOX_PORT": str(ports.aws), "PYTHONUNBUFFERED": "1", "MALLOC_ARENA_MAX": "2",
                "MALLOC_MMAP_THRESHOLD_": "131072"})
            fixtures.create(ports)
            _await(f"http://127.0.0.1:{ports.world}/", processes, "world")
        sandbox = Up(ports, processes, {})
        sandbox.save()
        if responder:
            sandbox = ensure_deployed(sandbox, overrides or {}, say)
        with timed(say, "access rights of the responder applied to the cluster" if responder else "cluster prepared"):
            _apply_access(sandbox, kubernetes.version, responder)
            Remote(ports).settled()
    except BaseException:
        for pid in processes.values():
            _end(pid)
        (STATE / "up.json").unlink(missing_ok=True)
        raise
    return sandbox


def _of_engine(ports: Ports) -> dict[str, str]:
    """Return the engine's environment."""
    return {"GATEWAY_PORT": str(ports.aws), "BIND_HOST": "127.0.0.1", "LAMBDA_EXECUTOR": "local",
            # IAM is evaluated on each call of a function, by the policies of its own role.
            "AUTH": "true",
            "SANDBOX_ADMIN_PORT": str(ports.engine_admin), "PYTHONUNBUFFERED": "1", "LOG_LEVEL": "WARNING",
            "STATE_DIR": str(ENGINE_STATE),
            # Functions inherit these.
            **stand_ins(ports)}


def engine_again(sandbox: Up) -> Up:
    """Start the engine that was killed, with what it left (``sandbox/durable.py``); raises SandboxError."""
    processes = {**sandbox.processes, "engine": _spawn("engine", [sys.executable, "-m", "sandbox.engine"], {
        **_of_engine(sandbox.ports), "PERSIST_STATE": "1"})}
    sandbox = replace(sandbox, processes=processes)
    sandbox.save()
    _await(f"http://127.0.0.1:{sandbox.ports.aws}/_ministack/health", processes, "engine")
    fixtures.name_cluster(sandbox.ports)
    return sandbox


def down() -> bool:
    """Stop the sandbox; returns False if none was up."""
    try:
        value = json.loads((STATE / "up.json").read_text())
    except (OSError, ValueError):
        return False
    for pid in value["processes"].values():
        _end(pid)
    (STATE / "up.json").unlink(missing_ok=True)
    return True


def stop_leftovers() -> None:
    """Stop the processes of a sandbox that died half way, so that its ports are free."""
    if (STATE / "up.json").exists():
        down()


def ensure_deployed(sandbox: Up, overrides: Mapping[str, Any], say: Say) -> Up:
    """Deploy the unchanged CDK app with the sandbox's configuration, unless exactly that is in force already.

    Where nothing but settings differs from what is deployed, they are changed as data, as ``stacks/settings.py`` does.
    """
    wanted, code = configuration(sandbox.ports, overrides), _code()
    inputs = fingerprint.of_texts(code, wanted)
    if sandbox.in_force == inputs:
        return sandbox
    folder = STATE / "config"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{SERVICE}.yaml").write_text(wanted)
    if sandbox.code == code and _changed_as_data(folder, say):
        sandbox = replace(sandbox, in_force=inputs)
        sandbox.save()
        return sandbox
    # The template depends on these inputs alone, so an earlier build from the same inputs is used again.
    out = STATE / "cdk.out" / inputs
    if not (out / "done").is_file():
        with timed(say, "CDK app synthesized"):
            shutil.rmtree(out, ignore_errors=True)
            _cdk("synth", "--quiet", "--context", f"config={folder}", "--output", str(out))
            (out / "done").touch()
    if not sandbox.code:
        with timed(say, "CDK bootstrapped"):
            _cdk("bootstrap", "aws://000000000000/us-east-1", "--app", str(out))
    if sandbox.code:
        _forget_logs_of_removed_functions()
    with timed(say, "CDK app deployed"):
        _cdk("deploy", STACK, "--app", str(out), "--require-approval", "never", "--outputs-file",
             str(STATE / "outputs.json"))
    outputs = json.loads((STATE / "outputs.json").read_text())[STACK]
    Remote(sandbox.ports).deployed(str(out / f"{STACK}.template.json"))
    if sandbox.code:
        # The engine keeps a process of each version of each function: those of before are asked no more.
        Engine(sandbox.ports.engine_admin).cool()
    # A deployment leaves settings that were changed as data, where its own are those of the deployment before.
    settings.change(folder / f"{SERVICE}.yaml", boto3.client, lambda line: None)
    sandbox = replace(sandbox, outputs=outputs, code=code, in_force=inputs)
    sandbox.save()
    with timed(say, "functions warmed"):
        _warm()
    return sandbox


def _changed_as_data(folder: Path, say: Say) -> bool:
    """Change the settings of what is deployed; False where the difference needs a deployment."""
    started = time.monotonic()
    try:
        changed = settings.change(folder / f"{SERVICE}.yaml", boto3.client, lambda line: None)
    except Refused:
        return False
    if changed:
        # What opens incidents may have read them just before.
        time.sleep(_SETTINGS_SECONDS)
        say("settings changed as data", time.monotonic() - started)
    return True


def _forget_logs_of_removed_functions() -> None:
    """Delete the log groups of functions that an earlier deployment removed, as ``docs/upgrades.md`` says.

    They are kept, and would be in the way of a function that comes back.
    """
    logs, functions = boto3.client("logs"), boto3.client("lambda")
    there = {item["FunctionName"] for page in functions.get_paginator("list_functions").paginate()
             for item in page["Functions"]}
    groups = [group["logGroupName"] for page in logs.get_paginator("describe_log_groups").paginate(
        logGroupNamePrefix="/aws/lambda/incident-response-") for group in page["logGroups"]]
    for name in groups:
        # The name ends with eight characters of the stack's id.
        if name.removeprefix("/aws/lambda/").rpartition("-")[0] not in there:
            logs.delete_log_group(logGroupName=name)


def _warm() -> None:
    """Start each function's process once, because two cores cannot start a dozen at the same time, as AWS does.

    Those of an incident load what their first call needs; the others refuse the event, after they have loaded.
    """
    event = json.dumps({"warm": True, "service": SERVICE}).encode()
    functions = boto3.client("lambda")

    def invoke(name: str) -> None:
        # The newest version is what the state machine and the aliases call.
        newest = functions.list_versions_by_function(FunctionName=name)["Versions"][-1]
        functions.invoke(FunctionName=newest["FunctionArn"], Payload=event)

    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        list(pool.map(invoke, [item["FunctionName"] for page in functions.get_paginator("list_functions").paginate()
                               for item in page["Functions"]]))


def _code() -> str:
    """Return a digest of everything that the synthesis reads but the configuration."""
    return fingerprint.of_files(
        ROOT, ("app.py", "cdk.json", "requirements.txt", "lambdas", "stacks", "statemachines"), sys.version)


def configuration(ports: Ports, overrides: Mapping[str, Any]) -> str:
    """Return the sandbox's configuration file: the shipped one, with ``overrides.yaml`` and a drill's own on top.

    ``SANDBOX_EYES`` names other vendors that see the platform (``sandbox/eyes``). ``SANDBOX_CONFIG`` names another file
    than the shipped one, as ``responder init`` wrote it: then ``filled_in.yaml`` has what a person adds.
    """
    given = os.environ.get("SANDBOX_CONFIG", "")
    shipped = yaml.safe_load(Path(given or ROOT / "config" / f"{SERVICE}.yaml").read_text())
    folder = ROOT / "sandbox"
    layers = ("filled_in", "addresses", "times") if given else ("overrides", "times")
    for text in (*((folder / f"{name}.yaml").read_text() for name in layers), eyes(of_run())):
        for name, port in asdict(ports).items():
            text = text.replace("{" + name + "}", str(port))
        shipped = _merge(shipped, yaml.safe_load(text) or {})
    merged = _merge(shipped, overrides)
    if given:
        merged["policy"] |= dict.fromkeys(sorted(_without_a_place(merged) & merged["policy"].keys()), "off")
    return str(yaml.safe_dump(merged, sort_keys=False))


def _without_a_place(merged: Mapping[str, Any]) -> frozenset[str]:
    """The actions that a file names nothing for: a drill allows more than a file of somebody else's may know."""
    with tempfile.TemporaryDirectory() as folder:
        # A mode in which nothing is refused for its policy.
        file = Path(folder) / f"{SERVICE}.yaml"
        file.write_text(yaml.safe_dump({**merged, "mode": "observe"}, sort_keys=False))
        return never_run(read_file(file))


def _merge(base: Any, over: Any) -> Any:
    if isinstance(base, dict) and isinstance(over, Mapping):
        return {**base, **{key: _merge(base.get(key), value) for key, value in over.items()}}
    return over


def _apply_access(sandbox: Up, version: tuple[int, int], responder: bool) -> None:
    from sandbox.platform.cluster import Cluster
    from sandbox.platform.usage import definitions

    cluster = Cluster(f"https://127.0.0.1:{sandbox.ports.apiserver}", str(STATE / "control-plane" / "ca.crt"),
                      control_plane.ADMIN_TOKEN)
    cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "payments"}})
    files = ["rbac.yaml", *(["admission.yaml"] if version >= control_plane.POLICIES_SINCE else [])]
    rights = rendered(read_file(STATE / "config" / f"{SERVICE}.yaml"), Settings(), files) if responder else ()
    for manifest in [*rights, *definitions()]:
        cluster.apply(manifest)


def _cdk(*arguments: str) -> None:
    command = [str(ROOT / "node_modules" / ".bin" / "cdk"), *arguments]
    log = STATE / "logs" / "cdk.log"
    with log.open("ab") as output:
        done = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=output, stderr=output, check=False,
                              env={**os.environ, "CI": "true",
                                   "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"})
    if done.returncode:
        raise SandboxError(f"cdk {arguments[0]} failed:\n" + "\n".join(
            log.read_text(errors="replace").splitlines()[-25:]))


def _spawn(name: str, command: list[str], environment: Mapping[str, str]) -> int:
    log = (STATE / "logs" / f"{name}.log").open("wb")
    return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                            start_new_session=True, env={**os.environ, **environment}).pid


def _await(url: str, processes: Mapping[str, int], name: str) -> None:
    """Wait until a server answers anything; raises SandboxError with the end of its log if it does not."""
    end = time.monotonic() + _READY_SECONDS
    while time.monotonic() < end:
        if not alive(processes[name]):
            break
        try:
            if httpx.get(url, timeout=2, verify=False).status_code < 500:  # noqa: S501 - is it there at all
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.1)
    log = STATE / "logs" / f"{name}.log"
    tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
    raise SandboxError(f"{name} did not come up within {_READY_SECONDS} s; the end of {log}:\n{tail}")


def _end(pid: int) -> None:
    """Stop a process and all that it started."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(pid, number)
        except ProcessLookupError:
            return
        for _ in range(30):
            if not alive(pid):
                break
            time.sleep(0.1)
            try:
                os.waitpid(pid, os.WNOHANG)
            except ChildProcessError:
                pass
