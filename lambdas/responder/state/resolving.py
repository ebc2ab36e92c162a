"""Names that cannot be resolved, by what those who ask for them say.

The wordings are those of glibc's ``gai_strerror``, Go's ``net``, Java's ``InetAddress``, Node.js' ``dns``, Python's
``socket``, gRPC's resolvers, curl, nginx and discovery clients (Spring Cloud, Nacos).
"""

from __future__ import annotations

import re
from typing import NamedTuple

from responder.state.addresses import target
from responder.state.basics import Ref
from responder.state.once import once
from responder.state.sayings import sayings
from responder.state.state import State

UNRESOLVED = re.compile(
    r"no such host|Name or service not known|Temporary failure in name resolution|nodename nor servname|"
    r"could not translate host name|UnknownHostException|Unknown (?:MySQL server )?host|getaddrinfo|ENOTFOUND|"
    r"EAI_AGAIN|server misbehaving|lookup \S+(?: on \S+)?:.*i/o timeout|name resolution|NXDOMAIN|"
    r"SERVFAIL|[Cc]ould not resolve|host not found in upstream|DNS resolution failed|failed to resolve|"
    r"No address associated with hostname|name resolver error|failed to lookup address|Domain name not found",
    re.IGNORECASE)
_NAME = re.compile(
    r"(?:lookup |UnknownHostException: |ENOTFOUND |EAI_AGAIN |[Uu]nknown (?:MySQL server )?host:? ['\"]?|"
    r"translate host name ['\"]?|[Cc]ould not resolve(?: host)?:? ['\"]?|host not found in upstream ['\"]?|"
    r"DNS resolution failed for ['\"]?|resolve ['\"]?|resolution failed for (?:target )?(?:dns:(?:///)?)?['\"]?)"
    r"(?P<name>[A-Za-z][A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]+)*)")
_AT_NAME = re.compile(
    r"(?:https?|grpc|tcp|mongodb|redis|mysql|postgresql|amqp)://(?:[^@/\s]*@)?(?P<name>[A-Za-z][\w.-]*)")
_FIND_INSTANCE = re.compile(
    r"(?:Unable to find instance for|No instances available for|Load balancer does not contain an instance for the "
    r"service|no available server for service) ['\"]?(?P<name>[A-Za-z][\w.-]*)", re.IGNORECASE)
_TEMPORARY = re.compile(r"Temporary failure|EAI_AGAIN|i/o timeout|server misbehaving|SERVFAIL|timed? ?out",
                        re.IGNORECASE)
"""The resolver did not answer, or could not: that says nothing of the name."""


class Name(NamedTuple):
    """A name of the cluster's own that somebody could not resolve."""

    ref: Ref
    """The Service that it stands for."""
    missing: bool
    """Whether there is no such Service, and it is not the resolver that did not answer."""
    callers: tuple[Ref, ...]
    text: str


@once
def unresolved(state: State) -> tuple[Name, ...]:
    """Return the names that workloads say they cannot resolve, or find no instance of, with who says so."""
    found: dict[tuple[Ref, bool], tuple[set[Ref], str]] = {}
    for pattern in (UNRESOLVED, _FIND_INSTANCE):
        for one in sayings(state, pattern):
            match = (_FIND_INSTANCE.search(one.text) if pattern is _FIND_INSTANCE
                     else _NAME.search(one.text) or _AT_NAME.search(one.text))
            to = target(state, one.owner.namespace, match["name"]) if match else None
            if to is None or (pattern is _FIND_INSTANCE and to.service):
                continue
            missing = to.service is None and state.lists("Service", to.ref.namespace) and not (
                _TEMPORARY.search(one.text))
            if to.service is None and not missing:
                continue
            callers, text = found.get((to.ref, missing), (set(), one.text))
            found[to.ref, missing] = callers | {one.owner}, max(text, one.text)
    return tuple(Name(ref, missing, tuple(sorted(callers)), text)
                 for (ref, missing), (callers, text) in sorted(found.items()))
