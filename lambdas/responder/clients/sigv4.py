"""Requests signed for AWS services that are asked by plain HTTP.

Source: AWS's page "Signature Version 4 for API requests".
"""

from __future__ import annotations

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest

from responder.clients import targets
from responder.clients.failure import CallFailed


def signed(method: str, url: str, body: bytes, headers: dict[str, str], service: str, region: str) -> dict[str, str]:
    """Return the headers of a request with its signature, as the role that asks after the service just now.

    Raises CallFailed (``unauthorized``) where there are no credentials.
    """
    credentials = targets.session(targets.current()).get_credentials()
    if credentials is None:
        raise CallFailed("unauthorized", f"there are no credentials to ask {service} with")
    request = AWSRequest(method=method, url=url, data=body, headers=headers)
    SigV4Auth(credentials.get_frozen_credentials(), service, region).add_auth(request)
    return {str(name): str(value) for name, value in request.headers.items()}
