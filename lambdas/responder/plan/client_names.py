"""What is told of a client: an IP address is personal data, and what else may stand for a client nobody knows."""

from __future__ import annotations

import re

NETWORK = r"^(?<network>(?:\d{1,3}\.){3}|(?:[0-9A-Fa-f]{0,4}:){1,3})"
"""The part of an IP address that is told, as Splunk and CloudWatch Logs Insights match it: three octets of IPv4, three
groups of IPv6."""
_TOLD = re.compile(r"(\d{1,3}\.){3}|([0-9A-Fa-f]{0,4}:){1,3}")


def named(network: str, place: int) -> str:
    """Return a client's network, or its place in the list where it is no IP address."""
    return f"{network}x" if _TOLD.fullmatch(network) else f"client {place}"
