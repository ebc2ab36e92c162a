"""Where the service's own metrics, traces and logs are, and what they are called there."""

from __future__ import annotations

from typing import Literal

from responder.model.frozen import dataclass


@dataclass(frozen=True)
class ApiGateway:
    """The API in Amazon API Gateway in front of the service: a REST API by its name, an HTTP API by its id."""

    name: str = ""
    """A REST API's name, the dimension ApiName."""
    id: str = ""
    """An HTTP API's id, the dimension ApiId: ``a1b2c3d4e5``."""
    stage: str = ""
    """The stage that customers call (``prod``, ``$default``); empty: all of them."""


@dataclass(frozen=True)
class Metrics:
    """The service's own metrics in CloudWatch, one metric per component, and those of what is in front of it."""

    namespace: str
    """Of the metrics in CloudWatch, such as ``PaymentPlatform``."""
    dimension: str = "Component"
    """The dimension whose value is the component's name."""
    requests: str = "Requests"
    """The metric that counts requests."""
    errors: str = "Errors"
    """The metric that counts requests that failed."""
    latency: str = "Latency"
    """Milliseconds, published as values, so that percentiles can be asked for."""
    period_seconds: int = 10
    """10 where the metrics are published with a storage resolution of 1 s, else 60."""
    operation_dimension: str = ""
    """The dimension that names the operation, where requests and errors are published for each as well; empty: they
    are not."""
    operations: tuple[str, ...] = ()
    """The operations of the entry that have an alarm of their own: ``authorize``, ``refund``."""
    load_balancer: str = ""
    """The LoadBalancer dimension of the Application Load Balancer in front, ``app/name/id``; empty: none."""
    target_group: str = ""
    """The TargetGroup dimension of the entry's targets behind the load balancer, ``targetgroup/name/id``; empty:
    healthy hosts are not asked for."""
    network_load_balancer: str = ""
    """The LoadBalancer dimension of the Network Load Balancer in front, ``net/name/id``; empty: none."""
    api_gateway: ApiGateway | None = None
    cloudfront: str = ""
    """The id of the CloudFront distribution in front, ``E2QWRUHAPOMQZL``; empty: none."""
    canaries: tuple[str, ...] = ()
    """Names of the CloudWatch Synthetics canaries that try the service from outside."""


@dataclass(frozen=True)
class NewRelic:
    """What is asked of New Relic by NerdGraph."""

    account: int
    """The id of the account whose data is asked for."""
    secret: str
    """The Secrets Manager secret that holds the user key, as a plain string."""
    endpoint: str = "https://api.newrelic.com/graphql"
    """``https://api.eu.newrelic.com/graphql`` for accounts in Europe."""
    event: str = "Transaction"
    """The event of each request. Where a component has none of it, as with OpenTelemetry, its entry spans tell."""
    component_attribute: str = "appName"
    """The attribute that names the component; of spans ``appName`` and ``service.name`` do so as well."""
    version_attribute: str = "service.version"
    """The attribute that bears the deployed version; without it, versions are not told apart."""
    peer_attribute: str = "server.address"
    """The attribute of client spans that names the host called; others that do so are known (``sources/newrelic``)."""
    errors: str = "error IS true OR http.statusCode >= 500 OR numeric(http.statusCode) >= 500"
    """The NRQL condition that a request failed, of ``event``."""
    span_errors: str = (
        "error.class IS NOT NULL OR error IS true OR otel.status_code = 'ERROR' OR http.statusCode >= 500 OR "
        "numeric(http.statusCode) >= 500 OR http.response.status_code >= 500 OR http.status_code >= 500")
    """The NRQL condition that what a span tells of failed: as agents and as OpenTelemetry mark it. An agent marks an
    exception alone, so an answer 5xx counts by its status."""
    refusals: str = ("http.statusCode IN (401, 403, 407, 408, 429) OR http.response.status_code IN "
                     "(401, 403, 407, 408, 429) OR http.status_code IN (401, 403, 407, 408, 429)")
    """The NRQL condition that a call was refused, which counts as failed though it is no 5xx."""
    entry_spans: str = "nr.entryPoint IS true OR span.kind IN ('server', 'consumer', 'SERVER', 'CONSUMER')"
    """The NRQL condition of spans that stand for a request of the component."""
    client_spans: str = "span.kind IN ('client', 'CLIENT') OR category IN ('http', 'datastore')"
    """The NRQL condition of spans that stand for a call."""


@dataclass(frozen=True)
class Splunk:
    """What is asked of Splunk by a search export."""

    url: str
    """The management endpoint, usually port 8089."""
    secret: str
    """The Secrets Manager secret that holds the authentication token, as a plain string."""
    search: str
    """The search that finds the service's logs, without a leading ``search``: ``index=payments``."""
    component_field: str = "component"
    """The field of log lines that names the component."""
    level_field: str = "level"
    """The field that holds the level."""
    version_field: str = "version"
    """The field that bears the deployed version."""
    pod_field: str = "pod"
    """The field that names the pod."""
    error_levels: tuple[str, ...] = ("ERROR", "FATAL")
    """The levels of lines that tell of errors."""
    auth_failures: str = ('("authentication failed" OR "invalid credentials" OR "invalid api key" OR "invalid token" '
                          'OR "login failed") NOT "password authentication failed"')
    """The part of a search that finds lines about callers whose authentication failed; PostgreSQL's words are left
    out, for they are of the service's own way to its database."""
    rejected_signatures: str = ('("missing signature" OR "invalid signature" OR "signature mismatch" OR '
                                '"signature verification failed" OR "signature does not match" OR "bad signature" OR '
                                '"wrong signature" OR "unsigned request" OR "unsigned callback" OR "unsigned webhook" '
                                'OR "no signatures found matching")')
    """The part of a search that finds requests which were refused because their signature is missing or wrong."""
    client_field: str = "client_ip"
    """The field of the entry's request lines that names the client; empty: clients are not counted."""
    status_field: str = "status"
    """The field of request lines that holds the HTTP status; from 400 on a request failed. Empty: by level alone."""
    duration_field: str = "duration_ms"
    """The field of request lines that holds how many milliseconds an answer took; where no line has it, or it is empty,
    Splunk does not tell of slow answers."""


Convention = Literal["", "opentelemetry", "spring", "istio", "http"]


@dataclass(frozen=True)
class Prometheus:
    """What is asked of Prometheus, or of what has its HTTP API (Amazon Managed Service for Prometheus, Thanos, Mimir).

    Every field but the address is found where it is left empty.
    """

    url: str
    """Its address, before ``/api/v1``. A workspace of Amazon's (``https://aps-workspaces.REGION.amazonaws.com/
    workspaces/ws-…``) is asked with SigV4."""
    secret: str = ""
    """The Secrets Manager secret that holds a bearer token, as a plain string; empty: none is sent."""
    convention: Convention = ""
    """How the metrics are called: ``opentelemetry`` (http_server_request_duration_seconds), ``spring``
    (http_server_requests_seconds), ``istio`` (istio_requests_total), ``http`` (http_requests_total). Empty: found."""
    component_label: str = ""
    """The label with the component's name; empty: that of the usual ones in which the names are."""
    version_label: str = ""
    """The label with the deployed version; empty: the convention's."""
    selector: str = ""
    """Further matchers of all series, as in PromQL: ``namespace="payments"``."""
    scrape_seconds: int = 30
    """How often the metrics are scraped; no period is shorter."""
    requests: str = ""
    """PromQL of one's own for the requests, in place of a convention's. ``$match`` stands for the matchers, ``$range``
    for a duration, ``$by`` for labels: ``sum by ($by) (increase(my_requests_total{$match}[$range]))``."""
    errors: str = ""
    """The same of the requests that failed."""
    latency_p95_ms: str = ""
    """The same of the 95th percentile in milliseconds."""


@dataclass(frozen=True)
class ApplicationSignals:
    """What is asked of CloudWatch Application Signals, in which the components have their own names."""

    environment: str = ""
    """The environment of the services there, such as ``eks:payments/payments``; empty: whichever has the name."""
