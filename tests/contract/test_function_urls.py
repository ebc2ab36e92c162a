"""The engine's Function URLs as AWS documents them ("Invoking Lambda function URLs"): AWS_IAM knows who calls."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import urlsplit

import boto3
import httpx
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from sandbox.places import PEOPLE, REGION
from tests.engine import running

_HANDLER = """
import json
def handler(event, context):
    return {"statusCode": 200, "body": json.dumps(event["requestContext"].get("authorizer"))}
"""


@pytest.fixture(scope="module")
def engine() -> Iterator[str]:
    with running() as address:
        yield address


def url_of(engine: str, name: str, auth: str) -> str:
    """Return the URL of a function that says who called it."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("said.py", _HANDLER)
    made = boto3.client("lambda", endpoint_url=engine, region_name=REGION, aws_access_key_id="test",
                        aws_secret_access_key="test")
    roles = boto3.client("iam", endpoint_url=engine, region_name=REGION, aws_access_key_id="test",
                         aws_secret_access_key="test")
    with suppress(roles.exceptions.EntityAlreadyExistsException):
        roles.create_role(RoleName="x", AssumeRolePolicyDocument="{}")
    made.create_function(FunctionName=name, Runtime="python3.11", Role="arn:aws:iam::000000000000:role/x",
                         Handler="said.handler", Code={"ZipFile": archive.getvalue()})
    url: str = made.create_function_url_config(FunctionName=name, AuthType=auth)["FunctionUrl"]
    return url


def test_only_signed_requests_pass_and_the_event_names_the_caller(engine: str) -> None:
    url = url_of(engine, "knows", "AWS_IAM")
    parts = urlsplit(url)

    def call(authorization: str = "", key: str = "", secret: str = "x") -> httpx.Response:
        request = AWSRequest("POST", url, data=b"{}", headers={"content-type": "application/json"})
        if key:
            SigV4Auth(Credentials(key, secret), "lambda", REGION).add_auth(request)
        headers = {**dict(request.headers.items()), **({"authorization": authorization} if authorization else {})}
        return httpx.post(f"{engine}/", content=b"{}", headers={**headers, "host": parts.netloc}, timeout=60)

    for refused in (call(), call("AWS4-HMAC-SHA256 nonsense"), call("Bearer x"), call(key="ASIAUNKNOWN000000000")):
        assert (refused.status_code, refused.json()) == (403, {"Message": "Forbidden"})
    for human in PEOPLE:
        said = call(key=human.access_key, secret=human.secret_key).json()["iam"]
        assert (said["userArn"], said["callerId"].rpartition(":")[2]) == (human.arn, human.session)
        assert set(said) == {"accessKey", "accountId", "callerId", "cognitoIdentity", "principalOrgId", "userArn",
                             "userId"}


def test_a_public_url_identifies_no_caller(engine: str) -> None:
    url = url_of(engine, "anybody", "NONE")
    said = httpx.post(f"{engine}/", headers={"host": urlsplit(url).netloc}, timeout=60)
    assert (said.status_code, json.loads(said.text)) == (200, None)
