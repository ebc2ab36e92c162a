"""What a request on the wire asks IAM for: from the form of AWS's protocols to ``calls``.

For the stand-ins of ``sandbox/vendors``; the engine reads its own requests. Formats: AWS's pages "Smithy: AWS Query
protocol", "AWS JSON 1.1 protocol"; the paths of EKS are those of its API reference.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from sandbox.iam import calls
from sandbox.iam.evaluate import Call
from sandbox.vendors.wire import form, listed

_PATHS = (("GET", r"/clusters/(?P<name>[^/]+)", "DescribeCluster"),
          ("GET", r"/clusters/(?P<clusterName>[^/]+)/node-groups", "ListNodegroups"),
          ("GET", r"/clusters/(?P<clusterName>[^/]+)/node-groups/(?P<nodegroupName>[^/]+)", "DescribeNodegroup"))


def asked(service: str, method: str, path: str, headers: Mapping[str, str], body: bytes) -> tuple[Call, ...]:
    """Return what a request asks for; a call that is not known is one on all resources. Raises ``wire.Refused``."""
    operation, parameters = _operation(service, method, path, headers, body)
    try:
        return calls.of(service, operation, parameters)
    except (calls.UnknownCall, KeyError):
        return (Call(f"{service}:{operation}"),)


def access_key(headers: Mapping[str, str]) -> str:
    """Return the access key that a request was signed with; empty: it was not."""
    found = re.search(r"Credential=([^/]+)/", headers.get("authorization", ""))
    return found[1] if found else ""


def _operation(service: str, method: str, path: str, headers: Mapping[str, str],
               body: bytes) -> tuple[str, Mapping[str, Any]]:
    if service in ("rds", "ec2") or ("x-amz-target" not in headers and service == "cloudwatch"):
        fields = form(body)
        tags = [key for key in fields if key.startswith("TagSpecification")]
        return fields.get("Action", ""), fields | ({"TagSpecifications": "given"} if tags else {}) | {
            "AlarmNames": listed(fields, "AlarmNames.member")}
    if service == "eks":
        place = urlsplit(path).path.rstrip("/")
        for verb, pattern, operation in _PATHS:
            if verb == method and (found := re.fullmatch(pattern, place)):
                return operation, {key: unquote(value) for key, value in found.groupdict().items()}
        return f"{method} {place}", {}
    try:
        given = json.loads(body or b"{}")
    except ValueError:
        given = {}
    return headers.get("x-amz-target", "").rpartition(".")[2], given if isinstance(given, dict) else {}
