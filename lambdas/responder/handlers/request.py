"""A request to a Function URL, parsed once.

Format: AWS's page "Invoking Lambda function URLs" (payload version 2.0).
"""

from __future__ import annotations

import base64
from urllib.parse import urlsplit

from responder.model.codec import Json
from responder.model.frozen import dataclass
from responder.plan.approvals import IamCaller


class Unreadable(ValueError):
    """A request's body that cannot be read; the message says why."""


@dataclass(frozen=True)
class Request:
    """A request."""

    method: str
    """In upper case."""
    headers: dict[str, str]
    """By their names in lower case."""
    query: dict[str, str]
    domain: str
    """The domain that it was sent to."""
    iam: IamCaller | None
    """Who sent it, where IAM has checked it."""
    body: str
    is_base64: bool

    @classmethod
    def of(cls, event: Json) -> Request:
        """Return the request that a Lambda event is."""
        about = _object(event.get("requestContext"))
        iam = _object(about.get("authorizer")).get("iam")
        headers = {str(key).lower(): str(value) for key, value in _object(event.get("headers")).items()}
        return cls(
            str(_object(about.get("http")).get("method") or "").upper(), headers,
            {str(key): str(value) for key, value in _object(event.get("queryStringParameters")).items()},
            str(about.get("domainName") or headers.get("host", "")),
            IamCaller(str(iam.get("userArn") or ""), str(iam.get("accountId") or ""),
                      str(iam.get("callerId") or iam.get("userId") or "")) if isinstance(iam, dict) else None,
            str(event.get("body") or ""), bool(event.get("isBase64Encoded")))

    def content(self, most_bytes: int) -> bytes:
        """Return the body as it was sent; raises Unreadable, also where it is longer than that."""
        try:
            content = base64.b64decode(self.body, validate=True) if self.is_base64 else self.body.encode()
        except ValueError as error:
            raise Unreadable("the request cannot be read") from error
        if len(content) > most_bytes:
            raise Unreadable(f"the request is longer than {most_bytes} bytes")
        return content

    @property
    def is_of_own_page(self) -> bool:
        """Whether a form was sent by a page of this domain, as browsers say in Sec-Fetch-Site and Origin."""
        # A page with no-referrer sends the origin "null", which has no host.
        origin = urlsplit(self.headers.get("origin", "")).netloc
        site = self.headers.get("sec-fetch-site", "none")
        return site in ("same-origin", "none") and origin in ("", self.domain)


@dataclass(frozen=True)
class Response:
    """An answer to a request."""

    status: int
    headers: dict[str, str]
    body: str

    @property
    def wire(self) -> Json:
        """It as Lambda wants it."""
        return {"statusCode": self.status, "headers": self.headers, "body": self.body}


def _object(value: Json) -> Json:
    return value if isinstance(value, dict) else {}
