"""The JSON Schema of the configuration's files, by which an editor completes, explains and refuses while one types.

It is made of the same dataclasses as the check, with their docstrings as descriptions, and knows each field's form;
what fields say together is known to ``responder check`` alone. Draft 7, the newest that editors read in full (README of
yaml-language-server, "Language Server settings"; SchemaStore's guide for contributors).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any, get_args

from pydantic import TypeAdapter

from responder import actions
from responder.model.service import Reports, Service
from responder.plan import mechanisms
from responder.plan.customers.sentences import TEXTS
from stacks.deployment import FILE, Settings
from stacks.reading import descriptions, secrets
from stacks.reading.typed import hints

Schema = dict[str, Any]
FILES: Mapping[str, tuple[Any, str]] = {
    "service.schema.json": (Service, "A service that the incident responder looks after"),
    "deployment.schema.json": (Settings, f"The settings of a deployment ({FILE})")}
"""The files beside the configuration: the dataclass of each, and its title."""
OF_DEPLOYMENT: Mapping[Any, frozenset[str]] = {Service: frozenset({"prefix"}), Reports: frozenset({"lock_mode"})}
"""Fields that the deployment's settings fill in, and no file of a service has."""
_SECRET = "^[A-Za-z0-9/_+=.@-]{0,512}$"  # noqa: S105 - the form of a secret's name, or empty for none

_KEY = ("^(AKIA|ASIA|NRAK-|NRII-|xox[a-z]-|xapp-|gh[opsu]_|github_pat_|glpat-|ATATT3|eyJ)|^[0-9a-fA-F]{32,}$|"
        "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")
"""What a key looks like that was pasted in place of a secret's name; the check knows more of them."""


def text_of(name: str) -> str:
    """Return the content of a schema's file."""
    return json.dumps(schema(*FILES[name]), indent=1, ensure_ascii=False) + "\n"


def schema(kind: Any, title: str) -> Schema:
    """Return the JSON Schema of a file."""
    made: Schema = TypeAdapter(kind).json_schema(ref_template="#/definitions/{model}")
    definitions: dict[str, Schema] = made.pop("$defs", {})
    known = {one.__name__: one for one in classes(kind)}
    for name, part in definitions.items():
        _fill(part, known[name])
    _fill(made, kind)
    named = _named_keys()
    for field, names in named.items():
        if field in made.get("properties", {}):
            made["properties"][field]["propertyNames"] = {"enum": sorted(names)}
    if "Links" in definitions:
        causes = sorted({mechanism.cause.id for mechanism in mechanisms.every()})
        definitions["Links"]["properties"]["runbooks"]["propertyNames"] = {"enum": causes}
    for name in ("Customers", "Language"):
        if name in definitions:
            definitions[name]["properties"]["texts"]["propertyNames"] = {"enum": sorted(TEXTS)}
    return {"$schema": "http://json-schema.org/draft-07/schema#", "title": title, **made, "definitions": definitions}


def _named_keys() -> dict[str, set[str]]:
    """Return the fields of a service that are mappings with known names."""
    return {"policy": {action.name for action in actions.every()}}


def classes(kind: Any) -> list[Any]:
    """Return a dataclass with all that its fields are of, each once, in the order of the fields."""
    found: list[Any] = [kind]
    for one in found:
        for field in fields(one):
            found += [part for part in _parts(hints(one)[field.name]) if part not in found]
    return found


def _parts(hint: Any) -> list[Any]:
    if is_dataclass(hint):
        return [hint]
    return [part for argument in get_args(hint) for part in _parts(argument)]


def description(kind: Any, name: str) -> str:
    """Return what a field is, by its docstring, or by that of the section that it is."""
    parts = _parts(hints(kind)[name])
    return descriptions.of_field(kind, name) or (descriptions.of_class(parts[0]) if parts else "")


def _fill(part: Schema, kind: Any) -> None:
    """Put a dataclass' docstrings into its schema, and refuse what it does not have."""
    part.pop("title", None)
    part["description"] = descriptions.of_class(kind)
    part["additionalProperties"] = False
    properties: dict[str, Schema] = part["properties"]
    for name in OF_DEPLOYMENT.get(kind, ()):
        properties.pop(name, None)
    for name, of in properties.items():
        of.pop("title", None)
        said = description(kind, name)
        if said:
            if "$ref" in of:
                # Draft 7 reads nothing beside a reference.
                of["allOf"] = [{"$ref": of.pop("$ref")}]
            of["description"] = said
        if name in secrets.FIELDS:
            of |= {"pattern": _SECRET, "not": {"pattern": _KEY}}
