"""When certificates and keys end, as AWS Certificate Manager and the configuration say it.

Format: AWS Certificate Manager's API reference, "DescribeCertificate".
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse

from responder.clients import aws
from responder.model.evidence import Evidence, Window
from responder.model.evidence.credential_end import CredentialEnd
from responder.model.moment import iso
from responder.model.service import Credential, Service
from responder.sources import Query, credentials
from sandbox.platform.state import World
from sandbox.vendors.certificates import CLIENT, Certificates

NOW = float(int(time.time()))
PRIMARY = "provider:primary"


class Raw(BytesIO):
    """A body as urllib3 hands it over."""

    def stream(self, **given: Any) -> Iterator[bytes]:
        yield self.getvalue()


def certificate_manager(world: World, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Let botocore speak with the stand-in; returns the Regions that clients are made for."""
    stand_in, regions = Certificates(lambda: world), list[str]()

    def sent(request: Any, **more: Any) -> AWSResponse:
        answer = stand_in.answer("DescribeCertificate", request.body)
        return AWSResponse(request.url, answer.status, {"Content-Type": "application/x-amz-json-1.1"}, Raw(answer.body))

    def client(service: str, region: str = "") -> Any:
        regions.append(region)
        made = boto3.client(service, region_name=region)
        made.meta.events.register("before-send", sent)
        return made

    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    monkeypatch.setattr(aws, "client", client)
    return regions


def asked(service: Service, *found: Credential) -> CredentialEnd:
    query = Query(replace(service, credentials=found), "diagnose", Window(NOW - 60, NOW), Window(NOW - 3660, NOW - 60),
                  time.monotonic() + 10)
    finding, = Evidence(credentials.collect(query)).asked(CredentialEnd, PRIMARY)
    return finding.detail


def test_the_end_is_asked_of_certificate_manager_in_its_region(service: Service,
                                                                monkeypatch: pytest.MonkeyPatch) -> None:
    regions = certificate_manager(World(expired=[("primary-client-certificate", NOW - 30)]), monkeypatch)
    end, = asked(service, Credential("client certificate", "primary", arn=CLIENT)).ends
    assert (end.name, end.at) == ("client certificate", NOW - 30)
    assert regions == ["us-east-1"]


def test_the_end_of_a_key_is_what_the_configuration_says(service: Service) -> None:
    end, = asked(service, Credential("key", "primary", "key", expires=iso(NOW + 86_400))).ends
    assert end.at == NOW + 86_400


def test_what_nobody_knows_is_said(service: Service) -> None:
    query = Query(replace(service, credentials=(Credential("key", "primary", "key"),)), "diagnose",
                  Window(NOW - 60, NOW), Window(NOW - 3660, NOW - 60), time.monotonic() + 10)
    finding, = credentials.collect(query)
    assert (finding.status, finding.note) == ("empty", "nobody knows when the key ends")


def test_only_the_certificates_that_are_named_may_be_read(service: Service) -> None:
    statement, = credentials.SOURCE.statements(service)
    assert statement.actions == ("acm:DescribeCertificate",)
    assert all(arn.startswith("arn:aws:acm:") and "*" not in arn for arn in statement.resources)
    assert credentials.SOURCE.statements(replace(service, credentials=())) == ()
