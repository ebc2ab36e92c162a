"""Where the sandbox keeps things and which ports it takes."""

from __future__ import annotations

import json
import os
import socket
from dataclasses import asdict, dataclass, fields
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STATE = Path(os.environ.get("SANDBOX_STATE", ROOT / ".sandbox"))
CACHE = Path(os.environ.get("SANDBOX_CACHE", Path.home() / ".cache" / "incident-response"))
"""Where this machine keeps what is built only once."""
ENGINE_STATE = STATE / "engine-state"
"""What AWS's engine leaves when it is killed."""
ENGINE_STATE_WHOLE = ENGINE_STATE / "whole"
"""A file that is there when all of it is."""
ACCOUNT, REGION = "000000000000", "us-east-1"
SERVICE, NAMESPACE, CLUSTER, DATABASE = "payment-gateway", "payments", "payments", "payments-db"
LOAD_BALANCER = "app/payments/50dc6c495c0c9188"
TARGET_GROUP = "targetgroup/frontend/6d0ecf831eec9f09"
CANARY = "payments-checkout"


@dataclass(frozen=True)
class Human:
    """A person who answers in a drill: the identities in Slack and AWS, as in ``sandbox/overrides.yaml``."""

    slack: str
    session: str
    """Name of the session of the role from IAM Identity Center."""
    access_key: str
    secret_key: str

    @property
    def arn(self) -> str:
        """The identity that AWS shows."""
        return f"arn:aws:sts::{ACCOUNT}:assumed-role/AWSReservedSSO_Responder_0123456789abcdef/{self.session}"


PEOPLE = (Human("U0SRE", "ada", "ASIAADA0000000000000", "ada-of-the-sandbox"),
          Human("U0SRE2", "bob", "ASIABOB0000000000000", "bob-of-the-sandbox"))


class SandboxError(Exception):
    """Something that the user must fix; the message says what."""


@dataclass(frozen=True)
class Ports:
    """One port for each server, from SANDBOX_PORT (default 4566) upwards."""

    aws: int
    engine_admin: int
    world: int
    cloudwatch: int
    kubernetes: int
    apiserver: int
    etcd: int
    etcd_peer: int
    controller_manager: int
    scheduler: int
    database: int
    primary: int
    fallback: int
    rollouts_metrics: int
    rollouts_health: int
    injector: int
    prometheus: int

    @classmethod
    def planned(cls) -> Ports:
        """Return the ports that the environment asks for; raises SandboxError."""
        text = os.environ.get("SANDBOX_PORT", "4566")
        if not text.isdecimal() or not 1024 <= int(text) <= 65000:
            raise SandboxError(f"SANDBOX_PORT is {text!r}: expected a port between 1024 and 65000")
        first = int(text)
        return cls(*range(first, first + len(fields(cls))))

    def check_free(self) -> None:
        """Raise SandboxError naming the ports that are taken."""
        taken = []
        for name, port in asdict(self).items():
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind(("127.0.0.1", port))
                except OSError:
                    taken.append(f"{port} ({name.replace('_', ' ')})")
        if taken:
            raise SandboxError(f"these ports are taken: {', '.join(taken)}. Stop what has them, or set SANDBOX_PORT to "
                               f"the first of {len(fields(self))} free ports in a row")


@dataclass(frozen=True)
class Up:
    """A running sandbox, as written to the state folder."""

    ports: Ports
    processes: dict[str, int]
    """Name to process id; each leads a process group of its own."""
    outputs: dict[str, str]
    """The stack's outputs."""
    code: str = ""
    """A digest of the code that is deployed; empty where nothing is."""
    in_force: str = ""
    """A digest of the code and of the configuration that is in force, settings that were changed as data included."""

    def save(self) -> None:
        """Write it to the state folder."""
        STATE.mkdir(parents=True, exist_ok=True)
        (STATE / "up.json").write_text(json.dumps(asdict(self), indent=1))

    @classmethod
    def load(cls) -> Up | None:
        """Return the running sandbox, or None where none is up."""
        try:
            value = json.loads((STATE / "up.json").read_text())
        except (OSError, ValueError):
            return None
        up = cls(Ports(**value["ports"]), value["processes"], value["outputs"], value.get("code", ""),
                 value.get("in_force", ""))
        return up if all(alive(pid) for pid in up.processes.values()) else None


def alive(pid: int) -> bool:
    """Whether a process runs (and is no zombie)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (OSError, IndexError):
        return False


def stand_ins(ports: Ports) -> dict[str, str]:
    """The addresses of what the engine lacks, or what a drill can break, by the variables of AWS's libraries."""
    same = ("rds", "pi", "health", "cloudtrail", "eks", "ec2", "acm", "synthetics")
    services = {**{name.upper(): name for name in same}, "ELASTIC_LOAD_BALANCING_V2": "elasticloadbalancing",
                "CLOUDWATCH_LOGS": "logs"}
    return {"AWS_ENDPOINT_URL_CLOUDWATCH": f"http://127.0.0.1:{ports.cloudwatch}",
            **{f"AWS_ENDPOINT_URL_{name}": f"http://127.0.0.1:{ports.world}/aws/{path}"
               for name, path in services.items()}}


def aws_environment(ports: Ports) -> dict[str, str]:
    """The environment in which AWS's tools and libraries speak to the engine."""
    return {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{ports.aws}", "AWS_ENDPOINT_URL_S3": f"http://127.0.0.1:{ports.aws}",
            "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": REGION,
            "AWS_REGION": REGION, "CDK_DEFAULT_ACCOUNT": ACCOUNT, "CDK_DEFAULT_REGION": REGION,
            # The versions are pinned and tested together; they run on Node 20.
            "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "20", "CDK_DISABLE_CLI_TELEMETRY": "true"}
