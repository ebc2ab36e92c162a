"""The responder's rights in a cluster, rendered for one service from ``kubernetes/*.yaml`` and its configuration.

``python -m stacks.rbac config payment-gateway`` (``make rbac SERVICE=payment-gateway``) prints what the cluster's owner
applies. The files are the form: what is rendered differs from them by the service's namespace, the deployment's name of
the groups, the names (each service has roles and policies of its own, so that services share a cluster) and the
configuration's values.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from responder.model.service import Service
from responder.model.service.switches import Purpose
from stacks.deployment import DEFAULT_PREFIX, Settings

_FOLDER = Path(__file__).resolve().parent.parent / "kubernetes"
_NAME = "incident-responder"
"""How groups, roles and policies are called in the files."""
_SWITCH, _HIDE = "switch-provider", "hide-payment-method"
_PURPOSES: dict[str, Purpose] = {"cap-retries": "cap_retries", "shed-load": "shed_load", "fail-open": "fail_open"}
"""How the roles and policies of the other switches are called, and of which switches they are."""
_SYSTEM = "kube-system"
"""The namespace of the cluster's own add-ons."""
_IN_CLUSTER = re.compile(rf"{_NAME}-(?=[a-z])")
Manifest = dict[str, Any]


def name_of(settings: Settings) -> str:
    """Return what the deployment's groups and roles in clusters begin with: its prefix, unless that is the default."""
    return _NAME if settings.prefix == DEFAULT_PREFIX else settings.prefix


def group_of(settings: Settings, group: str) -> str:
    """Return a Kubernetes group of the deployment for one as sources and actions name it."""
    return name_of(settings) + group.removeprefix(_NAME)


def rendered(service: Service, settings: Settings, files: Sequence[str] = ("rbac.yaml", "admission.yaml")
             ) -> list[Manifest]:
    """Return the manifests of one service: roles and bindings, and the policies for what each group may change."""
    manifests = [item for name in files for item in yaml.safe_load_all((_FOLDER / name).read_text(encoding="utf-8"))]
    return [_rendered(each, service, settings) for item in manifests if not _surplus(item, service)
            for each in _everywhere(item, service)]


def _everywhere(item: Manifest, service: Service) -> list[Manifest]:
    """Return what is in a service's namespace for each of its namespaces, and anything else once."""
    if item["metadata"].get("namespace") in (None, _SYSTEM):
        return [item]
    return [{**item, "metadata": {**item["metadata"], "namespace": namespace}} for namespace in service.namespaces]


def _surplus(item: Manifest, service: Service) -> bool:
    """Whether a manifest is of a ConfigMap that the service switches nothing by."""
    switch, name = service.provider_switch, item["metadata"]["name"]
    if purpose := _PURPOSES.get(name.removeprefix(f"{_NAME}-")):
        return not _switched(service, purpose)
    return (name == f"{_NAME}-{_SWITCH}" and not (switch and switch.config_map)) or (
        name == f"{_NAME}-{_HIDE}" and not (service.payments and service.payments.hide))


def _switched(service: Service, purpose: Purpose) -> dict[str, dict[str, list[str]]]:
    """Return the ConfigMaps that hold switches of a purpose, with the keys and what each may say."""
    found: dict[str, dict[str, list[str]]] = {}
    for switch in service.switches:
        if switch.purpose == purpose and switch.place.config_map:
            found.setdefault(switch.place.config_map, {})[switch.place.key] = [switch.usual, *switch.values]
    return found


def _rendered(item: Manifest, service: Service, settings: Settings) -> Manifest:
    own = name_of(settings)
    item = _replaced(item, f"{_NAME}:", f"{own}:")
    metadata = item["metadata"]
    # A namespace may hold two services, and what is in none is the whole cluster's.
    unique = f"{own}-{service.service}-"
    metadata["name"] = _IN_CLUSTER.sub(unique, metadata["name"], count=1)
    if "roleRef" in item:
        item["roleRef"]["name"] = _IN_CLUSTER.sub(unique, item["roleRef"]["name"], count=1)
    if item["kind"] == "ValidatingAdmissionPolicyBinding":
        item["spec"]["policyName"] = _IN_CLUSTER.sub(unique, item["spec"]["policyName"], count=1)
        # The values are this service's; those of another namespace are the other service's.
        item["spec"]["matchResources"] = {"namespaceSelector": _selector(service.namespaces)}
    if item["kind"] == "ValidatingAdmissionPolicy":
        _fill(item, service)
    if "rules" in item and metadata["name"].endswith(f"-{_SWITCH}") and service.provider_switch:
        for rule in item["rules"]:
            rule["resourceNames"] = [service.provider_switch.config_map]
    hide = service.payments.hide if service.payments else None
    if "rules" in item and metadata["name"].endswith(f"-{_HIDE}") and hide:
        for rule in item["rules"]:
            rule["resourceNames"] = [hide.config_map]
    purpose = _purpose(metadata["name"])
    if "rules" in item and purpose:
        for rule in item["rules"]:
            rule["resourceNames"] = sorted(_switched(service, purpose))
    return item


def _purpose(name: str) -> Purpose | None:
    """Return of which switches a role or policy is; None: of none."""
    return next((purpose for ending, purpose in _PURPOSES.items() if name.endswith(f"-{ending}")), None)


def _selector(namespaces: Sequence[str]) -> Manifest:
    """Return a selector of namespaces by their names, which Kubernetes sets as a label."""
    label = "kubernetes.io/metadata.name"
    if len(namespaces) == 1:
        return {"matchLabels": {label: namespaces[0]}}
    return {"matchExpressions": [{"key": label, "operator": "In", "values": list(namespaces)}]}


def _fill(policy: Manifest, service: Service) -> None:
    """Put the configuration's values into a policy's variables."""
    values = {"most": str(service.guardrails.maximum_replicas)}
    switch = service.provider_switch
    if policy["metadata"]["name"].endswith(f"-{_SWITCH}") and switch:
        values |= {"name": _text(switch.config_map), "key": _text(switch.key),
                   "providers": f"[{', '.join(_text(provider.name) for provider in service.providers)}]"}
    hide = service.payments.hide if service.payments else None
    if policy["metadata"]["name"].endswith(f"-{_HIDE}") and hide:
        values |= {"name": _text(hide.config_map), "key": _text(hide.key)}
    if purpose := _purpose(policy["metadata"]["name"]):
        values["allowed"] = _map(_switched(service, purpose))
    for variable in policy["spec"].get("variables", []):
        variable["expression"] = values.get(variable["name"], variable["expression"])


def _map(allowed: dict[str, dict[str, list[str]]]) -> str:
    """Return a map of maps of lists as CEL writes it."""
    return "{" + ", ".join(
        f"{_text(name)}: {{" + ", ".join(f"{_text(key)}: [{', '.join(map(_text, values))}]"
                                         for key, values in keys.items()) + "}"
        for name, keys in allowed.items()) + "}"


def _text(value: str) -> str:
    """Return a text of CEL; see "String and Bytes Values" of its language definition."""
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def _replaced(value: Any, old: str, new: str) -> Any:
    """Return a copy of a manifest with a text replaced in each of its texts."""
    if isinstance(value, dict):
        return {key: _replaced(item, old, new) for key, item in value.items()}
    if isinstance(value, list):
        return [_replaced(item, old, new) for item in value]
    return value.replace(old, new) if isinstance(value, str) else value


def main(folder: str, name: str) -> str:
    """Return the manifests of the service called ``name`` as YAML; raises ConfigurationError, SystemExit."""
    from stacks.configuration import read_folder, read_settings

    services = {service.service: service for service in read_folder(Path(folder))}
    if name not in services:
        raise SystemExit(f"no service {name!r}; there are: {', '.join(services)}")
    return yaml.safe_dump_all(rendered(services[name], read_settings(Path(folder))), sort_keys=False, width=120)


if __name__ == "__main__":
    from stacks.configuration import ConfigurationError

    try:
        sys.stdout.write(main(*sys.argv[1:3]))
    except ConfigurationError as problem:
        sys.exit(str(problem))
