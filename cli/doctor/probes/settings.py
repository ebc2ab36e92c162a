"""Whether the settings that are in force (AppConfig) are those on disk, and fit the deployed code."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from cli.doctor.model import Check, Probe, broken, well
from cli.doctor.surroundings import Surroundings
from responder.model.codec import Malformed, encode
from responder.model.service import Service
from responder.model.service.settings import read_settings, settings_of
from stacks.deployed import Place, Refused, differences

_SHOWN = 6


def _look(here: Surroundings) -> Iterable[Check]:
    return here.of_each(lambda service: _of(here, service))


def _of(here: Surroundings, service: Service) -> Iterator[Check]:
    with here.account.asking("appconfig"):
        try:
            place = Place(here.account.client("appconfig"), here.settings.prefix, service.service)
            text = place.text()
        except (Refused, ValueError) as failed:
            yield broken("settings in AppConfig", f"none are deployed ({failed}): those of the bundle are in force",
                         "deploy the stack: make deploy")
            return
    yield judged(text, place.label or place.number, service, here.file(service))


def judged(text: str, version: str, service: Service, file: str) -> Check:
    """Judge the settings that AppConfig has in force against those of the file."""
    subject = "settings in AppConfig"
    try:
        given = read_settings(json.loads(text))
    except (Malformed, ValueError) as error:
        return broken(subject, f"version {version} is invalid, so those of the bundle are in force: {error}",
                      f"make settings FILE={file}")
    found = list(differences(encode(given), encode(settings_of(service))))
    if not found:
        return well(subject, f"version {version} is what is on disk; mode {service.mode}")
    return broken(subject, f"version {version} differs from what is on disk (in force → disk): " + "; ".join(
        f"{path}: {before} → {after}" for path, before, after in found[:_SHOWN]),
        f"make settings FILE={file}; or take the file back to what is in force")


PROBE = Probe("settings", "the settings that are in force", _look, (
    "appconfig:ListApplications", "appconfig:ListEnvironments", "appconfig:ListConfigurationProfiles",
    "appconfig:ListDeploymentStrategies", "appconfig:ListDeployments", "appconfig:GetHostedConfigurationVersion"))
