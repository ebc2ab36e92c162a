"""The cluster's authentication webhook: it answers a TokenReview for a token from EKS.

In a real cluster AWS's authenticator does so. The token is a presigned URL of STS GetCallerIdentity; STS says who the
caller is, and the cluster's access entries say to which groups the caller belongs.
"""

from __future__ import annotations

import base64
import calendar
import re
import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

import boto3
import httpx

from sandbox import plain_http
from sandbox.places import CLUSTER

_LIVES_SECONDS = 15 * 60


class Authentication:
    """The webhook; ``sts`` is the address that answers for STS."""

    def __init__(self, sts: str) -> None:
        self._sts = sts
        self._http = plain_http.client()
        self._eks = boto3.client("eks")

    def review(self, body: dict[str, Any]) -> dict[str, Any]:
        """Answer a TokenReview."""
        review = {"apiVersion": body["apiVersion"], "kind": "TokenReview", "status": {"authenticated": False}}
        try:
            arn = self._caller(body["spec"]["token"])
            role = re.sub(r"^arn:aws:sts::(\d+):assumed-role/([^/]+)/.*$", r"arn:aws:iam::\1:role/\2", arn)
            entry = self._eks.describe_access_entry(clusterName=CLUSTER, principalArn=role)["accessEntry"]
        except (ValueError, httpx.HTTPError, self._eks.exceptions.ResourceNotFoundException) as error:
            review["status"]["error"] = str(error)[:200]
            return review
        review["status"] = {"authenticated": True, "user": {
            "username": arn, "uid": role, "groups": [*entry.get("kubernetesGroups", []), "system:authenticated"]}}
        return review

    def _caller(self, token: str) -> str:
        """The ARN of the caller; raises ValueError for a token that is not valid."""
        if not token.startswith("k8s-aws-v1."):
            raise ValueError("not a token from EKS")
        text = token.removeprefix("k8s-aws-v1.")
        url = urlsplit(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode())
        query = parse_qs(url.query)
        if query.get("Action") != ["GetCallerIdentity"] or "x-k8s-aws-id" not in query.get(
                "X-Amz-SignedHeaders", [""])[0]:
            raise ValueError("the token is no presigned GetCallerIdentity for a cluster")
        signed = time.strptime(query["X-Amz-Date"][0], "%Y%m%dT%H%M%SZ")
        if abs(time.time() - calendar.timegm(signed)) > _LIVES_SECONDS:
            raise ValueError("the token has expired")
        # Whatever host the URL names, only STS is asked.
        answer = self._http.get(f"{self._sts}/?{url.query}", headers={"x-k8s-aws-id": CLUSTER})
        found = re.search(r"<Arn>([^<]+)</Arn>", answer.text)
        if answer.status_code != 200 or not found:
            raise ValueError(f"STS does not know the caller ({answer.status_code})")
        return found[1]
