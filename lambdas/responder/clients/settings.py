"""The newest settings of a service, as AppConfig has deployed them.

Source: the AppConfig User Guide's page "Retrieving configuration data without AWS AppConfig Agent" (a session, then the
data; the version's label comes with them).
"""

from __future__ import annotations

import hashlib
from typing import Any

from responder.clients import aws
from responder.model.frozen import dataclass


@dataclass(frozen=True)
class Stored:
    """What the store holds."""

    version: str
    """The version's label; where it has none, as the settings of a deployment of code have none, the beginning of a
    digest of what it says."""
    text: str


def read(application: str, service: str, client: Any = None) -> Stored:
    """Return what is deployed for a service; raises CallFailed, also with ``malformed`` where it is no text.

    ``application`` is AppConfig's, by id or name; ``client`` is botocore's, where it is not a function's own.
    """
    client = client or aws.client("appconfigdata")
    with aws.failures("AppConfig"):
        token = client.start_configuration_session(
            ApplicationIdentifier=application, EnvironmentIdentifier=service,
            ConfigurationProfileIdentifier=service)["InitialConfigurationToken"]
        answer = client.get_latest_configuration(ConfigurationToken=token)
        content: bytes = answer["Configuration"].read()
        text = content.decode()
    return Stored(answer.get("VersionLabel") or hashlib.sha256(content).hexdigest()[:8], text)
