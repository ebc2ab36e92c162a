"""A request to a Function URL, parsed once.

Format: AWS's page "Invoking Lambda function URLs" (payload version 2.0).
"""

from __future__ import annotations

import base64
from urllib.parse import urlsplit

from responder.model.codec import Foreign, Json, decode
from responder.model.frozen import dataclass
from responder.plan.approvals import IamCaller


class Unreadable(ValueError):
    """The request's body is unreadable; the message says why."""


@dataclass(frozen=True)
class _Iam(Foreign):
    user_arn: str | None = None
    account_id: str | None = None
    caller_id: str | None = None
    user_id: str | None = None


@dataclass(frozen=True)
class _Authorizer(Foreign):
    iam: _Iam | None = None


@dataclass(frozen=True)
class _Http(Foreign):
    method: str | None = None


@dataclass(frozen=True)
class _About(Foreign):
    http: _Http = _Http()
    domain_name: str | None = None
    authorizer: _Authorizer | None = None


@dataclass(frozen=True)
class _Event(Foreign):
    """Lambda's event for a request."""

    request_context: _About = _About()
    headers: dict[str, str] | None = None
    query_string_parameters: dict[str, str] | None = None
    raw_path: str = "/"
    body: str | None = None
    is_base64_encoded: bool = False


@dataclass(frozen=True)
class Request:
    """A request."""

    method: str
    """In upper case."""
    headers: dict[str, str]
    """Names in lower case."""
    query: dict[str, str]
    domain: str
    """The domain name of the request."""
    iam: IamCaller | None
    """The caller's ARN, where IAM has checked it."""
    body: str
    is_base64: bool
    path: str = "/"

    @classmethod
    def of(cls, event: Json) -> Request:
        """Return the request that a Lambda event is; raises Malformed."""
        given = decode(_Event, event, "request")
        about = given.request_context
        iam = about.authorizer.iam if about.authorizer else None
        headers = {name.lower(): value for name, value in (given.headers or {}).items()}
        return cls(
            (about.http.method or "").upper(), headers, given.query_string_parameters or {},
            about.domain_name or headers.get("host", ""),
            IamCaller(iam.user_arn or "", iam.account_id or "", iam.caller_id or iam.user_id or "") if iam else None,
            given.body or "", given.is_base64_encoded, given.raw_path)

    def content(self, most_bytes: int) -> bytes:
        """Return the decoded body; raises Unreadable, also where it is too long."""
        try:
            content = base64.b64decode(self.body, validate=True) if self.is_base64 else self.body.encode()
        except ValueError as error:
            raise Unreadable("the request cannot be read") from error
        if len(content) > most_bytes:
            raise Unreadable(f"the request is longer than {most_bytes} bytes")
        return content

    @property
    def is_of_own_page(self) -> bool:
        """Whether a page of this domain sent the form, by the headers Sec-Fetch-Site and Origin."""
        # A page with no-referrer sends the origin "null", which has no host.
        try:
            origin = urlsplit(self.headers.get("origin", "")).netloc
        except ValueError:
            return False
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
        """The answer in Lambda's form."""
        return {"statusCode": self.status, "headers": self.headers, "body": self.body}
