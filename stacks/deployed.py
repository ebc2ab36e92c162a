"""The configuration of a deployed stack, from its template: what is in force, whatever a folder on a machine says.

It does not need the CDK, so that a command that only asks does not have to load it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import TypeAdapter

from responder.model.service import Service

METADATA = "Services"
"""The key of the template's metadata with the configuration that was deployed."""
_SHOWN = 60
"""The most characters of a value that a difference shows."""


def deployed_services(client: Any, stack: str) -> dict[str, Service]:
    """Return the services of a stack by name; ``client`` is boto3's of CloudFormation.

    Raises pydantic's ValidationError where another version of the responder deployed what this one cannot read.
    """
    body = client.get_template(StackName=stack, TemplateStage="Original")["TemplateBody"]
    template: Mapping[str, Any] = json.loads(body) if isinstance(body, str) else body
    return {name: TypeAdapter(Service).validate_json(value)
            for name, value in template.get("Metadata", {}).get(METADATA, {}).items()}


def differences(before: Any, after: Any, path: str = "") -> Iterator[tuple[str, str, str]]:
    """Yield each field that differs: its path, what it was and what it is, as short texts."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for name in sorted({*before, *after}):
            yield from differences(before.get(name), after.get(name), f"{path}.{name}".lstrip("."))
    elif before != after:
        yield path, _shown(before), _shown(after)


def _shown(value: Any) -> str:
    text = "nothing" if value is None else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
