"""Messages of configuration errors: the parser's and the validator's errors in the reader's words."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic_core import ErrorDetails

SOURCES = ("metrics (CloudWatch)", "newrelic", "splunk", "prometheus", "application_signals", "cloudwatch_logs")
CHANNELS = ("notify_emails", "pagerduty", "slack", "statuspage", "github", "jira")
_NO_SOURCE = frozenset({"appdynamics", "datadog", "dynatrace", "elastic", "elasticsearch", "grafana", "honeycomb",
                        "loki", "opentelemetry", "sentry", "signalfx", "sumologic", "xray"})
"""Products that observe services and that the responder cannot query."""
_NO_CHANNEL = frozenset({"discord", "email", "mattermost", "msteams", "opsgenie", "servicenow", "sms", "teams",
                         "telegram", "victorops", "webhook", "xmatters"})
"""Products that reach people and that the responder cannot use."""
_EXPECTED = {
    "bool_parsing": "true or false", "bool_type": "true or false", "dataclass_type": "a mapping of fields",
    "dict_type": "a mapping of names to values", "float_parsing": "a number", "float_type": "a number",
    "int_from_float": "a whole number", "int_parsing": "a whole number", "int_type": "a whole number",
    "invalid_key": "a field's name, not a number", "string_type": "a text; a number or a truth value in quotes is one"}
"""The validator's type of error to what it expected, where its own words do not help."""


def unsupported(name: str) -> str:
    """Return the message for a field that names an unsupported product, or an empty text."""
    key = name.lower().replace("_", "").replace("-", "")
    if key in _NO_SOURCE:
        return f"{name.capitalize()} is not a source; sources are {', '.join(SOURCES)}"
    if key in _NO_CHANNEL:
        return f"{name.capitalize()} is not a channel; channels are {', '.join(CHANNELS)}"
    return ""


def kind_of(value: object) -> str:
    """Return what kind of value stands where a mapping was expected."""
    return {list: "a list", str: "a text", bool: "a truth value", int: "a number", float: "a number"}.get(
        type(value), type(value).__name__)


def unreadable(error: Exception) -> str:
    """Return why a file cannot be read."""
    match error:
        case FileNotFoundError():
            return "no such file"
        case IsADirectoryError():
            return "a folder; a service's configuration is a file"
        case PermissionError():
            return "no permission to read the file"
        case UnicodeDecodeError():
            return f"not a text file in UTF-8 (byte {error.start})"
    return str(error)


def expected(item: ErrorDetails, path: Sequence[str | int]) -> str:
    """Return what was expected at ``path`` where the validator found something else."""
    given = item.get("input")
    name = str(next((part for part in reversed(path) if isinstance(part, str)), ""))
    match item["type"]:
        case "missing":
            return "this field"
        case "tuple_type" | "list_type":
            return f"a list: [{given}]" if isinstance(given, str | int | float) else "a list"
        case "float_parsing" if isinstance(given, str) and given.endswith("%"):
            return "a share such as 0.05 for 5%"
        case "int_parsing" | "int_type" if name.endswith("_seconds"):
            return "seconds as a number, such as 300"
        case "literal_error" if given is False and "'off'" in item["msg"]:
            return "'off' in quotes, 'auto' or 'approve'; YAML reads a bare off as false"
    return _EXPECTED.get(item["type"]) or item["msg"].removeprefix("Input should be ")
