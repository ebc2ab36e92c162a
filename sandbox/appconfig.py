"""What the engine lacks of AppConfig: it checks no validators, and tells IAM no resource of a session.

AWS checks a version against the profile's JSON Schema when it is to be deployed, whoever asks for it: a stack, a
command or a person (AppConfig User Guide, "Understanding validators"; StartDeployment answers BadRequestException).
Both calls that read a configuration are authorized on it (Service Authorization Reference, AWS AppConfig: the resource
``configuration``).
"""

from __future__ import annotations

import json
from typing import Any

from ministack.core import iam_actions
from ministack.services import appconfig
from ministack.services.cloudformation import provisioners


def bridge() -> None:
    """Bridge both."""
    _check_what_is_deployed()
    _name_what_is_read()


def _name_what_is_read() -> None:
    """IAM is told ``*``, which no policy that names a configuration allows."""
    extract = iam_actions.extract_resource_arn

    def named(service: str, method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any],
              region: str, account: str) -> str:
        if service == "appconfigdata":
            return _read(body, query, region, account)
        found: str = extract(service, method, path, headers, body, query, region, account)
        return found

    iam_actions.extract_resource_arn = named


def _read(body: bytes, query: dict[str, Any], region: str, account: str) -> str:
    token = query.get("configuration_token", "")
    session = appconfig._sessions.get(token[0] if isinstance(token, list) else token) or json.loads(body or b"{}")
    application = appconfig._resolve_application_id(session.get("ApplicationIdentifier", ""))
    environment = appconfig._resolve_environment_id(application, session.get("EnvironmentIdentifier", ""))
    profile = appconfig._resolve_configuration_profile_id(application, session.get(
        "ConfigurationProfileIdentifier", ""))
    return (f"arn:aws:appconfig:{region}:{account}:application/{application}/environment/{environment}"
            f"/configuration/{profile}")


def _check_what_is_deployed() -> None:
    start = appconfig._start_deployment

    def checked(application: str, environment: str, body: dict[str, Any]) -> Any:
        profile, version = body.get("ConfigurationProfileId", ""), body.get("ConfigurationVersion", "")
        wrong = invalid(application, profile, version)
        if wrong:
            return appconfig._error(400, "BadRequestException", f"Error invoking JSON Schema validator: {wrong}")
        return start(application, environment, body)

    appconfig._start_deployment = checked
    handler = provisioners._RESOURCE_HANDLERS["AWS::AppConfig::Deployment"]
    create = handler["create"]

    def created(logical_id: str, properties: dict[str, Any], stack_name: str) -> Any:
        wrong = invalid(properties["ApplicationId"], properties["ConfigurationProfileId"],
                        str(properties["ConfigurationVersion"]))
        if wrong:
            raise ValueError(f"Error invoking JSON Schema validator: {wrong}")
        return create(logical_id, properties, stack_name)

    handler["create"] = created


def invalid(application: str, profile: str, version: str) -> str:
    """Return why a hosted version does not fit its profile's JSON Schema; empty where it does."""
    # Only where it is needed: it takes longer to import than all the rest of the engine's bridges.
    import jsonschema

    held = appconfig._hosted_versions.get(f"{application}/{profile}/{version}")
    if held is None:
        return ""
    content = held["Content"]
    try:
        value = json.loads(content)
        for validator in appconfig._config_profiles[f"{application}/{profile}"].get("Validators", []):
            if validator["Type"] == "JSON_SCHEMA":
                jsonschema.Draft4Validator(json.loads(validator["Content"])).validate(value)
    except jsonschema.ValidationError as error:
        return f"{'.'.join(map(str, error.absolute_path)) or '(all)'}: {error.message[:200]}"
    except ValueError as error:
        return str(error)
    return ""
