"""AWS Certificate Manager: the certificates of the account, and when they end.

Formats: AWS Certificate Manager's API reference, "DescribeCertificate" and "CertificateDetail"; times are seconds since
1970, as its JSON has them.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable

from sandbox.places import ACCOUNT, REGION
from sandbox.platform.state import World
from sandbox.vendors.gate import Answer
from sandbox.vendors.wire import Refused, json_answer

CLIENT = f"arn:aws:acm:{REGION}:{ACCOUNT}:certificate/6c1d6f4e-0000-4000-8000-000000000001"
"""The gateway's own certificate, by which it shows to the provider who it is."""
_YEAR_SECONDS = 365 * 86_400


class Certificates:
    """The JSON endpoint."""

    def __init__(self, world: Callable[[], World]) -> None:
        self._world = world

    def answer(self, operation: str, body: bytes) -> Answer:
        """Answer one operation; raises Refused."""
        if operation != "DescribeCertificate":
            raise Refused("UnknownOperationException", f"Unknown operation {operation}")
        arn = json.loads(body or b"{}").get("CertificateArn", "")
        if arn != CLIENT:
            raise Refused("ResourceNotFoundException", f"Could not find certificate {arn}.")
        over = next((at for name, at in self._world().expired if name == "primary-client-certificate"), None)
        end = int(over if over is not None else time.time() + 90 * 86_400)
        return json_answer({"Certificate": {
            "CertificateArn": CLIENT, "DomainName": "payment-gateway.shop.example", "Type": "IMPORTED",
            "Status": "EXPIRED" if over is not None else "ISSUED", "NotBefore": end - _YEAR_SECONDS, "NotAfter": end,
            "KeyAlgorithm": "EC_prime256v1", "InUseBy": [], "RenewalEligibility": "INELIGIBLE"}})
