"""Checks of what a configuration names in front of the service: the right kind of each."""

from __future__ import annotations

import re
from collections.abc import Iterator

from responder.model.service import Service
from stacks.nearest import Found

_KINDS = {
    "load_balancer": (re.compile(r"app/[A-Za-z0-9-]{1,32}/[0-9a-f]{16}"),
                      "an Application Load Balancer's, app/NAME/ID"),
    "network_load_balancer": (re.compile(r"net/[A-Za-z0-9-]{1,32}/[0-9a-f]{16}"),
                              "a Network Load Balancer's, net/NAME/ID"),
    "target_group": (re.compile(r"targetgroup/[A-Za-z0-9-]{1,32}/[0-9a-f]{16}"),
                     "a target group's, targetgroup/NAME/ID"),
    "cloudfront": (re.compile(r"E[A-Z0-9]{9,19}"), "a distribution's id, such as E2QWRUHAPOMQZL"),
}
"""The field to the form of its value (Elastic Load Balancing: "Metric dimensions"; CloudFront: "Distribution ID")."""
_OTHERS = (
    (re.compile(r"net/.*"), "a Network Load Balancer, which goes into network_load_balancer"),
    (re.compile(r"app/.*"), "an Application Load Balancer, which goes into load_balancer"),
    (re.compile(r"gwy/.*"), "a Gateway Load Balancer, which no customer reaches"),
    (re.compile(r"targetgroup/.*"), "a target group, which goes into target_group"),
    (re.compile(r"arn:.*:targetgroup/.*"), "an ARN; the dimension is the part of it from targetgroup/ on"),
    (re.compile(r"arn:.*:loadbalancer/.*"), "an ARN; the dimension is the part of it behind loadbalancer/"),
    (re.compile(r"arn:aws[a-z-]*:cloudfront:.*|.*\.cloudfront\.net"), "no id; it stands in the console's list"),
    (re.compile(r"E[A-Z0-9]{9,19}"), "a CloudFront distribution, which goes into cloudfront"),
    (re.compile(r".*\.elb\..*"), "a DNS name; the dimension is the end of its ARN"),
)
_API_ID = re.compile(r"[a-z0-9]{10}")


def doors(service: Service) -> Iterator[Found]:
    """Find what is no such thing as its field is about, and what does not go together."""
    metrics = service.metrics
    values = {"load_balancer": metrics.load_balancer, "network_load_balancer": metrics.network_load_balancer,
              "target_group": metrics.target_group, "cloudfront": metrics.cloudfront}
    for name, value in values.items():
        form, expected = _KINDS[name]
        if value and not form.fullmatch(value):
            other = next((said for kind, said in _OTHERS if kind.fullmatch(value)), "")
            yield ("metrics", name), f"{value!r}, {other}" if other else repr(value), expected
    if metrics.load_balancer and metrics.network_load_balancer:
        yield (("metrics", "network_load_balancer"), "a load balancer of each kind",
               "the one whose targets are the entry's pods")
    if metrics.target_group and not (metrics.load_balancer or metrics.network_load_balancer):
        yield (("metrics", "target_group"), "no load balancer", "load_balancer or network_load_balancer as well")
    api = metrics.api_gateway
    if api and bool(api.name) == bool(api.id):
        yield ("metrics", "api_gateway"), "both or neither", "name of a REST API, or id of an HTTP API"
    elif api and api.id and not _API_ID.fullmatch(api.id):
        yield ("metrics", "api_gateway", "id"), repr(api.id), "an HTTP API's id, ten letters and digits"
