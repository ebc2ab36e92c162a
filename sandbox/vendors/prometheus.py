"""A real Prometheus that scrapes the platform, with two healthy hours before its first scrape.

The binaries are Debian's own package, downloaded once a machine and not installed. The platform's metrics follow
OpenTelemetry's "Semantic conventions for HTTP metrics" and "for database client metrics", as "Prometheus and
OpenMetrics Compatibility" writes them. The history becomes blocks by ``promtool tsdb create-blocks-from openmetrics``
(Prometheus, "Storage: Backfilling from OpenMetrics format").
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

import httpx

from sandbox.places import CACHE, SandboxError
from sandbox.platform.telemetry import STEP_SECONDS, Edge, Telemetry, Transactions

SCRAPE_SECONDS = 2
_OLD_SECONDS, _RECENT_SECONDS = 30, 900
"""How far the samples of the history lie apart, but for those of the last quarter of an hour."""
_BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
"""Of the buckets in seconds, as the conventions advise."""
_SERVER, _CLIENT = "http_server_request_duration_seconds", "http_client_request_duration_seconds"
_DATABASE = "db_client_operation_duration_seconds"
_STATUS = re.compile(r"\b(?:HTTP|answered) (\d{3})\b")
_EXCEPTIONS = (
    ("could not resolve", "java.net.UnknownHostException"), ("refused", "java.net.ConnectException"),
    ("connect timed out", "java.net.http.HttpConnectTimeoutException"),
    ("connection to server timed out", "java.net.http.HttpConnectTimeoutException"),
    ("read timed out", "java.net.SocketTimeoutException"), ("reset by peer", "java.net.SocketException: reset"),
    ("certificate", "javax.net.ssl.SSLHandshakeException"), ("", "java.io.IOException"))
"""What a call failed by to the exception that OpenTelemetry's Java agent names in ``error.type``."""
_SQLSTATES = (
    ("too many", "53300"), ("no space", "53100"), ("password authentication", "28P01"), ("statement timeout", "57014"),
    ("read-only", "25006"), ("refused", "08001"), ("lock", "55P03"), ("terminating connection", "57P01"))
_READY_SECONDS = 30.0

Labels = tuple[tuple[str, str], ...]


class Exporter:
    """The platform's metrics: counters that only grow, from what it has done so far."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry = telemetry
        self.reset()

    def reset(self) -> None:
        """Begin at zero."""
        self._counts: dict[str, dict[Labels, float]] = {name: defaultdict(float) for name in (
            _SERVER, _CLIENT, _DATABASE)}
        self._sums: dict[str, dict[Labels, float]] = {name: defaultdict(float) for name in self._counts}
        self._buckets: dict[Labels, list[float]] = defaultdict(lambda: [0.0] * (len(_BOUNDS) + 1))
        self._until = 0.0

    def advance(self, until: float) -> None:
        """Count what was done before a moment, in seconds since 1970."""
        for item in self._telemetry.between(self._until, until):
            self._served(item)
        for edge in self._telemetry.edges_between(self._until, until):
            self._called(edge)
        self._until = until

    def _served(self, item: Transactions) -> None:
        of = (("service_name", item.component), ("service_version", item.version))
        mean = sum(item.latencies_ms) / len(item.latencies_ms) / 1000 if item.latencies_ms else 0.0
        for status, count in (("200", item.requests - item.errors), ("500", item.errors)):
            labels = (*of, ("http_response_status_code", status), ("http_request_method", "POST"))
            self._counts[_SERVER][labels] += count
            self._sums[_SERVER][labels] += mean * count
            for latency in item.latencies_ms:
                place = sum(bound < latency / 1000 for bound in _BOUNDS)
                self._buckets[labels][place] += count / len(item.latencies_ms)

    def _called(self, edge: Edge) -> None:
        database = edge.callee not in ("backend", "payment-gateway") and not edge.callee.startswith("api.")
        name, code = (_DATABASE, "db_response_status_code") if database else (_CLIENT, "http_response_status_code")
        of = (("service_name", edge.component), ("service_version", edge.version), ("server_address", edge.callee))
        kinds = {("" if database else "200", ""): float(edge.calls.count - edge.calls.failed)}
        for text, count in edge.calls.kinds.items():
            said = _sqlstate(text) if database else _answer(text)
            kinds[said] = kinds.get(said, 0.0) + count
        mean = edge.calls.milliseconds / edge.calls.count / 1000 if edge.calls.count else 0.0
        for (status, error), calls in kinds.items():
            labels = (*of, (code, status), ("error_type", error))
            self._counts[name][labels] += calls
            self._sums[name][labels] += mean * calls

    def text(self) -> str:
        """Return all metrics as they are now, as Prometheus' text format writes them."""
        return "".join(f"{name} {value:.10g}\n" for name, value in self._values().items())

    def _values(self) -> dict[str, float]:
        """Return each series, with its labels, and its value."""
        found = {f"{name}_{kind}{_braces(labels)}": value for name in self._counts
                 for kind, values in (("count", self._counts[name]), ("sum", self._sums[name]))
                 for labels, value in values.items()}
        for labels, counts in self._buckets.items():
            whole = 0.0
            for bound, count in zip((*map(str, _BOUNDS), "+Inf"), counts, strict=True):
                whole += count
                found[f"{_SERVER}_bucket{_braces((*labels, ('le', bound)))}"] = whole
        return found

    def history(self, start: float, end: float) -> str:
        """Return the metrics of a stretch of time, sample by sample, as OpenMetrics writes them.

        The platform's own history is in steps of several seconds, over which the samples lie evenly.
        """
        self.reset()
        parts: list[str] = []
        at, before, values = start, start, dict[str, float]()
        while before < end:
            after = min(end, before + STEP_SECONDS)
            self.advance(after)
            values, old = self._values(), values
            while at <= after:
                share = (at - before) / (after - before)
                parts += [f"{name} {old.get(name, 0.0) + share * (value - old.get(name, 0.0)):.10g} {at:.3f}\n"
                          for name, value in values.items() if name in old or share]
                at += _OLD_SECONDS if end - at > _RECENT_SECONDS else 2 * SCRAPE_SECONDS
            before = after
        return "".join(parts)


def _answer(text: str) -> tuple[str, str]:
    """Return the status that was answered and the error's type; without an answer there is no status."""
    status = _STATUS.search(text)
    if status:
        return status[1], status[1]
    low = text.lower()
    return "", next(name for words, name in _EXCEPTIONS if words in low)


def _sqlstate(text: str) -> tuple[str, str]:
    low = text.lower()
    state = next((state for words, state in _SQLSTATES if words in low), "")
    return (state, "org.postgresql.util.PSQLException") if state else _answer(text)


def _braces(labels: Iterable[tuple[str, str]]) -> str:
    def escaped(value: str) -> str:
        return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")

    return "{" + ",".join(f'{name}="{escaped(value)}"' for name, value in labels if value) + "}"


def binaries() -> Path:
    """Return the folder with ``prometheus`` and ``promtool``; they are downloaded once; raises SandboxError."""
    target = CACHE / "prometheus-debian"
    if all(os.access(target / name, os.X_OK) for name in ("prometheus", "promtool")):
        return target
    if not (shutil.which("apt-get") and shutil.which("dpkg")):
        raise SandboxError("Prometheus cannot be had here: this machine has no Debian packages. Put prometheus and "
                           f"promtool into {target}")
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="prometheus.", dir=CACHE) as name:
        work = Path(name)
        for command in (["apt-get", "-qq", "download", "prometheus"], ["sh", "-c", "dpkg -x prometheus_*.deb root"]):
            done = subprocess.run(command, cwd=work, capture_output=True, text=True, check=False, timeout=180)
            if done.returncode:
                raise SandboxError(f"Debian's package prometheus could not be had: {done.stderr.strip()[-200:]}")
        with tempfile.TemporaryDirectory(prefix="prometheus.", dir=CACHE) as made:
            for binary in ("prometheus", "promtool"):
                shutil.copy2(work / "root" / "usr" / "bin" / binary, made)
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(made, target)
    return target


class Server:
    """A Prometheus of its own; nothing of it stays when it is stopped."""

    def __init__(self, folder: Path, port: int, scrape: str = "") -> None:
        self._folder, self._port, self._scrape = folder, port, scrape
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self._port}"

    def begin(self, history: str) -> None:
        """Start anew with a history in OpenMetrics; returns when it answers. Raises SandboxError."""
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(parents=True)
        programs, data = binaries(), self._folder / "data"
        (self._folder / "history.txt").write_text(f"{history}# EOF\n")
        done = subprocess.run([str(programs / "promtool"), "tsdb", "create-blocks-from", "openmetrics", "--quiet",
                               str(self._folder / "history.txt"), str(data)], capture_output=True, text=True,
                              check=False, timeout=120)
        if done.returncode:
            raise SandboxError(f"promtool refused the history: {done.stderr.strip()[-300:]}")
        (self._folder / "prometheus.yml").write_text(_configuration(self._scrape))
        self._process = subprocess.Popen(
            [str(programs / "prometheus"), f"--config.file={self._folder / 'prometheus.yml'}",
             f"--storage.tsdb.path={data}", f"--web.listen-address=127.0.0.1:{self._port}",
             "--storage.tsdb.retention.time=2d", "--log.level=warn"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=(self._folder / "log").open("wb"))
        self._wait()

    def _wait(self) -> None:
        end = time.monotonic() + _READY_SECONDS
        while time.monotonic() < end:
            if self._process is None or self._process.poll() is not None:
                break
            try:
                if httpx.get(f"{self.url}/-/ready", timeout=1.0, trust_env=False).status_code == 200:
                    return
            except httpx.HTTPError:
                pass
            time.sleep(0.1)
        raise SandboxError(f"Prometheus did not start: {(self._folder / 'log').read_text()[-300:]}")

    def stop(self) -> None:
        """End it."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
            self._process = None


def _configuration(scrape: str) -> str:
    if not scrape:
        return "global: {}\n"
    address, _, path = scrape.removeprefix("http://").partition("/")
    return (f"global: {{scrape_interval: {SCRAPE_SECONDS}s, scrape_timeout: {SCRAPE_SECONDS}s}}\n"
            f"scrape_configs:\n- job_name: platform\n  metrics_path: /{path}\n"
            f"  static_configs: [{{targets: ['{address}']}}]\n")


def samples(metrics: Mapping[str, Mapping[Labels, float]], start: float, end: float, step: float) -> str:
    """Return counters that grow steadily, {metric: {labels: a second}}, as OpenMetrics."""
    moments = [start + place * step for place in range(int((end - start) / step) + 1)]
    return "".join(f"{name}{_braces(labels)} {rate * (at - start):.6f} {at:.3f}\n"
                   for name, series in metrics.items() for labels, rate in series.items() for at in moments)
