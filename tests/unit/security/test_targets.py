"""Services in other accounts and Regions: each call goes there as the function's own role, and the tools stay here."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextvars import copy_context
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import UnknownServiceError
from botocore.loaders import create_loader
from moto import mock_aws

from responder.clients import aws, targets
from responder.clients.targets import HERE, Target, aimed, at_home, current
from responder.model.service import Service

ROLE = "arn:aws:iam::222222222222:role/incident-response-shop"


@pytest.fixture
def elsewhere(service: Service, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "incident-response-source-rds")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        aws.made.cache_clear()
        targets.session.cache_clear()
        yield replace(service, aws=replace(service.aws, role_arn=ROLE, external_id="x-1", region="eu-west-1"))
    aws.made.cache_clear()
    targets.session.cache_clear()


def test_a_function_assumes_its_own_role_there(elsewhere: Service) -> None:
    with aimed(elsewhere):
        assert current() == Target(f"{ROLE}-source-rds", "x-1", "eu-west-1")
        rds = aws.client("rds")
        assert rds.meta.region_name == "eu-west-1"
        assert aws.client("sts").get_caller_identity()["Account"] == "123456789012"
        there = targets.session(current()).create_client("sts", region_name="us-east-1").get_caller_identity()
    assert (there["Account"], there["Arn"].rpartition("/")[0]) == (
        "222222222222", "arn:aws:sts::222222222222:assumed-role/incident-response-shop-source-rds")
    assert current() == HERE


def test_the_responder_s_own_tools_stay_at_home(elsewhere: Service) -> None:
    with aimed(elsewhere):
        for name in ("dynamodb", "s3", "sns", "lambda", "stepfunctions", "secretsmanager", "sts"):
            assert aws.client(name).meta.region_name == "us-east-1", name
        for name in ("rds", "eks", "cloudwatch", "cloudtrail", "ec2", "pi", "ssm", "appconfig"):
            assert aws.client(name).meta.region_name == "eu-west-1", name
        with at_home():
            assert aws.client("ssm").meta.region_name == "us-east-1"


def test_a_service_at_home_takes_no_role(service: Service) -> None:
    with aimed(service):
        assert current() == HERE


def test_a_thread_goes_to_the_same_place_only_with_the_context(elsewhere: Service) -> None:
    seen: list[Target] = []
    with aimed(elsewhere):
        for run in (copy_context().run, lambda work: work()):
            thread = threading.Thread(target=run, args=(lambda: seen.append(current()),))
            thread.start()
            thread.join()
    # Without it, nothing of another account is touched.
    assert seen == [Target(f"{ROLE}-source-rds", "x-1", "eu-west-1"), HERE]


@pytest.mark.parametrize(("lasts_minutes", "asked"), [(60, 1), (5, 4)])
def test_credentials_are_kept_and_asked_for_anew_before_they_expire(
        elsewhere: Service, monkeypatch: pytest.MonkeyPatch, lasts_minutes: int, asked: int) -> None:
    from botocore.credentials import AssumeRoleCredentialFetcher

    calls: list[datetime] = []

    def fetched(self: AssumeRoleCredentialFetcher) -> dict[str, str]:
        calls.append(datetime.now(UTC))
        return {"access_key": "A", "secret_key": "S", "token": "T", "account_id": "222222222222",
                "expiry_time": (calls[-1] + timedelta(minutes=lasts_minutes)).isoformat()}

    monkeypatch.setattr(AssumeRoleCredentialFetcher, "fetch_credentials", fetched)
    made = targets.session(Target(ROLE, "x-1"))
    for _ in range(4):
        credentials = made.get_credentials()
        assert credentials and credentials.get_frozen_credentials().token == "T"
    assert len(calls) == asked


def test_every_service_that_botocore_knows_is_known_and_no_other() -> None:
    session = targets.session(targets.HERE)
    assert set(create_loader().list_available_services("service-2")) <= set(session.get_available_services())
    assert session.create_client("dynamodb", region_name="us-east-1").meta.service_model.service_name == "dynamodb"
    with pytest.raises(UnknownServiceError, match="dynamobd"):
        session.create_client("dynamobd", region_name="us-east-1")
