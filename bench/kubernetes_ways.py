"""The ways to speak to Kubernetes, from a cold start: how long until a first answer, and what 5,000 pods take.

All of them begin alike: boto3 is loaded and has asked EKS for the endpoint, and the token is made; this is not counted.
Then each way loads what it needs, lists the Deployments (the first answer), and reads all pods in pages of 500.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from bench import Benchmark, Outcome, Row
from bench.bed import fresh
from bench.bed.objects import NAMESPACE
from bench.bed.stand_in import StandIn, stand_in

PODS = 5_000
_OURS = "our own client (httpx)"

_BEGIN = """
import base64, json, os, time
from responder.clients import aws
found = aws.client("eks").describe_cluster(name="payments")["cluster"]
server, authority = found["endpoint"], base64.b64decode(found["certificateAuthority"]["data"]).decode()
sts = aws.client("sts")
url = sts.generate_presigned_url("get_caller_identity", Params={}, ExpiresIn=60, HttpMethod="GET")
token = "k8s-aws-v1." + base64.urlsafe_b64encode(url.encode()).decode().rstrip("=")
started = time.perf_counter()
"""
_END = """
report = {"first_ms": (answered - started) * 1000, "pods_s": time.perf_counter() - answered, "pods": pods,
          "deployments": deployments}
"""
_CONFIGURED = """
from kubernetes import client
configuration = client.Configuration()
configuration.host, configuration.ssl_ca_cert = server, os.environ["AUTHORITY"]
configuration.api_key = {"authorization": "Bearer " + token}
"""
_PAGES = """
deployments = len(list_page("apis/apps/v1", "deployments", "")[0])
answered = time.perf_counter()
pods, after = 0, ""
while True:
    items, after = list_page("api/v1", "pods", after)
    pods += len(items)
    if not after:
        break
"""
WAYS = {
    _OURS: """
import ssl
from responder.clients.http import Http
from responder.clients.kubernetes import Kubernetes
api = Kubernetes(Http(time.monotonic() + 60, headers={"Authorization": "Bearer " + token},
                      verify=ssl.create_default_context(cadata=authority)), server)
deployments = len(list(api.items("apis/apps/v1", "deployments", "NAMESPACE")))
answered = time.perf_counter()
pods = sum(1 for _ in api.items("api/v1", "pods", "NAMESPACE"))
""",
    "kubernetes, typed (CoreV1Api, AppsV1Api)": _CONFIGURED + """
connection = client.ApiClient(configuration)
core, apps = client.CoreV1Api(connection), client.AppsV1Api(connection)
deployments = len(apps.list_namespaced_deployment("NAMESPACE", limit=500).items)
answered = time.perf_counter()
pods, after = 0, None
while True:
    page = core.list_namespaced_pod("NAMESPACE", limit=500, _continue=after)
    pods += len(page.items)
    after = page.metadata._continue
    if not after:
        break
""",
    "kubernetes, dynamic client": _CONFIGURED + """
from kubernetes import dynamic
api = dynamic.DynamicClient(client.ApiClient(configuration))
deployments = len(api.resources.get(api_version="apps/v1", kind="Deployment").get(
    namespace="NAMESPACE", limit=500).items)
answered = time.perf_counter()
kind = api.resources.get(api_version="v1", kind="Pod")
pods, after = 0, None
while True:
    page = kind.get(namespace="NAMESPACE", limit=500, **({"_continue": after} if after else {}))
    pods += len(page.items)
    after = page.metadata.get("continue")
    if not after:
        break
""",
    "kubernetes, its ApiClient without models": _CONFIGURED + """
connection = client.ApiClient(configuration)
def list_page(api, plural, after):
    answer = connection.call_api(*connection.param_serialize(
        "GET", f"/{api}/namespaces/NAMESPACE/{plural}", auth_settings=["BearerToken"],
        query_params=[("limit", "500"), *([("continue", after)] if after else [])]))
    page = json.loads(answer.read())
    return page["items"], page["metadata"].get("continue", "")
""" + _PAGES,
    "urllib3, which boto3 loads anyway": """
import ssl, urllib3
pool = urllib3.PoolManager(ssl_context=ssl.create_default_context(cadata=authority),
                           headers={"Authorization": "Bearer " + token})
def list_page(api, plural, after):
    answer = pool.request("GET", f"{server}/{api}/namespaces/NAMESPACE/{plural}", fields={
        "limit": "500", **({"continue": after} if after else {})})
    page = json.loads(answer.data)
    return page["items"], page["metadata"].get("continue", "")
""" + _PAGES,
}


def run(repeats: int) -> Outcome:
    """Return per way the time to its first answer, the time for all pods, the peak of memory and what it unpacks to."""
    with tempfile.TemporaryDirectory() as folder, stand_in(Path(folder), pods=PODS) as served:
        found = measured(served, repeats)
    ours, rows = found[_OURS], []
    for title, key, unit in (("first answer", "first_ms", "ms"), (f"{PODS} pods read", "pods_s", "s"),
                             ("peak memory", "peak_mb", "MB")):
        rows += [Row(f"{title}: {way}", report[key], unit, _OURS, ours[key]) for way, report in found.items()
                 if way != _OURS]
    sizes = [sum(file.stat().st_size for top in fresh.packages(name).iterdir() for file in _files(top)) / 2**20
             for name in ("kubernetes", "httpx")]
    rows.append(Row("unpacked, with what it requires: kubernetes", sizes[0], "MB", "httpx", sizes[1],
                    note="a function's limit is 250 MB in all"))
    return Outcome(rows)


def measured(served: StandIn, repeats: int) -> dict[str, dict[str, Any]]:
    """Return the medians of each way; raises RuntimeError where one did not read all pods."""
    codes = {way: (_BEGIN + code + _END).replace("NAMESPACE", NAMESPACE) for way, code in WAYS.items()}
    found = fresh.rounds(codes, repeats, path=(fresh.function(), fresh.packages("boto3", "kubernetes")),
                         environment=served.environment() | {"AUTHORITY": str(served.authority)})
    deployments, _ = served.cluster.lists[f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments"]
    for way, report in found.items():
        if (report["pods"], report["deployments"]) != (PODS, deployments):
            raise RuntimeError(f"{way} read {report['pods']} pods and {report['deployments']} Deployments")
    return found


def _files(top: Path) -> list[Path]:
    return [file for file in top.resolve().rglob("*") if file.is_file()] if top.is_dir() else [top.resolve()]


BENCHMARK = Benchmark("ways to speak to Kubernetes, from a cold start", run)
