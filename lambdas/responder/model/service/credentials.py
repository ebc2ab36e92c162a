"""What the service shows, or trusts, where it calls somebody: certificates, keys and tokens that come to an end."""

from __future__ import annotations

from typing import Literal

from responder.model.frozen import dataclass

CredentialKind = Literal["certificate", "authority", "key"]
"""``authority``: a root or intermediate that the service trusts; ``key``: an API key, token or password."""


@dataclass(frozen=True)
class Credential:
    """One certificate, key or token. No value of it is ever read."""

    name: str
    """As people call it: ``client certificate for primary``."""
    target: str
    """Whom it is shown to, or whose certificate it vouches for: the name of a provider, of a component or of the
    database."""
    kind: CredentialKind = "certificate"
    """Of what kind it is: ``authority`` is a root that is trusted."""
    place: str = ""
    """Where the service reads it: ``Secret payment-gateway-mtls, key tls.crt``."""
    owner: str = ""
    """Who renews it, as people are told."""
    arn: str = ""
    """The certificate in AWS Certificate Manager, whose end is asked for; empty: it is not there."""
    expires: str = ""
    """When it ends, ISO 8601, where nobody can be asked: ``2027-01-31T00:00:00Z``; empty: not known."""
