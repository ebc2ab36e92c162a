"""A deployment's own settings: read and checked before anything is built, and a part of every name."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from stacks.configuration import ConfigurationError, read_folder, read_settings
from stacks.deployment import Keys, ObjectLock, Settings
from tests.conftest import ROOT


def folder(tmp_path: Path, text: str) -> Path:
    """A configuration folder with the shipped service and a ``deployment.yaml``."""
    shutil.copy(ROOT / "config" / "payment-gateway.yaml", tmp_path)
    (tmp_path / "deployment.yaml").write_text(text, encoding="utf-8")
    return tmp_path


def test_a_folder_without_settings_has_the_defaults(tmp_path: Path) -> None:
    assert read_settings(tmp_path) == Settings()
    assert Settings().stack_name == "IncidentResponse"


def test_settings_are_no_service_and_their_prefix_is_a_part_of_each(tmp_path: Path) -> None:
    path = folder(tmp_path, "prefix: stage-responder\npermissions_boundary: platform-boundary\nrole_path: /platform/\n"
                            "keys: {logs: true}\nobject_lock: {mode: compliance, days: 400}\n")
    settings = read_settings(path)
    assert settings == Settings("stage-responder", "platform-boundary", "/platform/", Keys(logs=True),
                                ObjectLock("compliance", 400))
    assert settings.stack_name == "StageResponder"
    service, = read_folder(path)
    assert service.kill_switch == "/stage-responder/payment-gateway/kill-switch"


@pytest.mark.parametrize(("text", "said"), [
    ("prefix: Stage", "deployment.yaml:1: prefix: found 'Stage'; expected up to 24 lower-case letters"),
    ("prefix: incident-response-stage", "expected a prefix that does not begin with incident-response-"),
    ("prefix: a-prefix-that-is-far-too-long-for-names", "expected up to 24 lower-case letters"),
    ("\nprefx: stage", "deployment.yaml:2: prefx: found an unknown field; expected 'prefix'?"),
    ("keys:\n  log: true", "deployment.yaml:2: keys.log: found an unknown field; expected 'logs'?"),
    ("keys: {logs: many}", "keys.logs: found 'many'; expected true or false"),
    ("permissions_boundary: arn:aws:iam::1:policy/x", "expected the ARN or the name of a managed policy of IAM"),
    ("role_path: platform", "expected a path of IAM, with / at both ends"),
    ("object_lock: {mode: strict}", "object_lock.mode: found 'strict'; expected 'governance' or 'compliance'"),
    ("object_lock: {days: -1}", "object_lock.days: found -1; expected days, or 0 for no lock")])
def test_a_setting_that_cannot_be_is_refused_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    path = folder(tmp_path, text)
    for read in (read_settings, read_folder):
        with pytest.raises(ConfigurationError) as caught:
            read(path)
        assert said in str(caught.value)


def test_all_mistakes_are_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_settings(folder(tmp_path, "prefix: X\nrole_path: y\nobject_lock: {days: -3}\n"))
    assert len(caught.value.problems) == 3


def test_a_service_does_not_name_its_deployment(tmp_path: Path) -> None:
    path = folder(tmp_path, "{}")
    with (path / "payment-gateway.yaml").open("a") as file:
        file.write("prefix: stage\n")
    with pytest.raises(ConfigurationError, match=r"prefix: found a field of the deployment; expected it in deploy"):
        read_folder(path)
