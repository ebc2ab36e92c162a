"""The page of all fields of the configuration, made of the same dataclasses and docstrings as the check."""

from __future__ import annotations

import re
import types
from collections.abc import Iterator
from dataclasses import MISSING, Field, fields, is_dataclass
from typing import Any, Literal, Union, get_args, get_origin

from cli.checking.schema import OF_DEPLOYMENT, description
from responder import actions
from responder.model.service import Service
from stacks.deployment import FILE, Settings
from stacks.reading import descriptions
from stacks.reading.typed import hints

_HEAD = f"""# Configuration

<!-- Made by `responder schema --reference`; change the docstrings of the dataclasses, not this page. -->

A folder (`config/` unless `--config` names another) has one YAML file for each service, and may have `{FILE}`
for what holds for all of them. `responder check` says all that is wrong with them: file, line, field, what was found
and what was expected. The shipped `config/payment-gateway.yaml` is an example of most fields.

Each field stands once. Durations carry their unit in the name, shares are 0 to 1 (5% is 0.05), times are UTC. `yes`,
`no`, `on` and `off` are truth values to YAML: a text that is one of them stands in quotes. Fields called `secret`, and
those that end with it, hold the name of a secret in AWS Secrets Manager, never its value.

Editors that know the YAML language server complete and explain the fields, by the first line of a file:

    # yaml-language-server: $schema=service.schema.json

`responder schema --write` puts the JSON Schemas beside the files of a folder.
"""
_PLAIN: dict[Any, str] = {str: "text", int: "whole number", float: "number", bool: "true or false"}


def page() -> str:
    """Return the page in Markdown."""
    parts = [_HEAD, "## A service\n", *_section(Service, (), {}), f"## `{FILE}`\n", *_section(Settings, (), {}),
             "## Actions\n", *_actions()]
    return "\n".join(parts).rstrip() + "\n"


def _section(kind: Any, path: tuple[str, ...], told: dict[Any, tuple[str, ...]]) -> Iterator[str]:
    """Yield the table of a dataclass' fields, and then those of the sections in it; ``told`` is where others stand."""
    if path:
        yield f"### `{_shown(path)}`\n"
    yield f"{descriptions.of_class(kind)}\n"
    if told.setdefault(kind, path) != path:
        yield f"Its fields are those of [`{_shown(told[kind])}`]({_link(told[kind])}).\n"
        return
    yield "| field | kind | default | what it is |\n|---|---|---|---|"
    inner: list[tuple[Any, tuple[str, ...]]] = []
    left_out = OF_DEPLOYMENT.get(kind, frozenset())
    for field in (field for field in fields(kind) if field.name not in left_out):
        hint = hints(kind)[field.name]
        part, many = _part(hint)
        below = (*path, field.name + many)
        what = _kind(hint) if part is None else f"[{_kind(hint)}]({_link(below)})"
        yield f"| `{field.name}` | {what} | {_default(field)} | {_cell(description(kind, field.name))} |"
        if part is not None:
            inner.append((part, below))
    yield ""
    for part, below in inner:
        yield from _section(part, below, told)


def _shown(path: tuple[str, ...]) -> str:
    return ".".join(path)


def _link(path: tuple[str, ...]) -> str:
    """Return the address of a section, as GitHub and Python-Markdown make it of its title."""
    return "#" + re.sub(r"[^\w-]", "", _shown(path))


def _part(hint: Any) -> tuple[Any, str]:
    """Return the section that a field is, and ``[]`` for a list of them; None for a plain field."""
    if is_dataclass(hint):
        return hint, ""
    if get_origin(hint) is tuple and is_dataclass(get_args(hint)[0]):
        return get_args(hint)[0], "[]"
    if get_origin(hint) in (Union, types.UnionType):
        return next((_part(one) for one in get_args(hint) if is_dataclass(one)), (None, ""))
    return None, ""


def _kind(hint: Any) -> str:
    """Return the kind of a field's value in words."""
    origin, given = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return _kind(next(one for one in given if one is not type(None)))
    if origin is Literal:
        return " or ".join(f"`{_quoted(value)}`" for value in given)
    if origin is tuple:
        return "list of mappings" if is_dataclass(given[0]) else f"list of {_many(given[0])}"
    if origin is dict:
        return f"mapping of names to {_many(given[1])}"
    return "mapping" if is_dataclass(hint) else _PLAIN[hint]


def _many(hint: Any) -> str:
    return "texts" if hint is str else _kind(hint)


def _quoted(value: str) -> str:
    # Else YAML reads them as truth values.
    return f'"{value}"' if value in ("", "off", "on", "yes", "no") else value


def _default(field: Field[Any]) -> str:
    if field.default is MISSING and field.default_factory is MISSING:
        return "**needed**"
    value = field.default if field.default is not MISSING else None
    if field.default_factory is not MISSING:
        return "empty" if field.default_factory is dict else "its own"
    if value is None:
        return "none"
    if isinstance(value, tuple):
        plain = all(isinstance(one, str) for one in value)
        return _cell(f"`[{', '.join(value)}]`") if plain else f"`[{', '.join(map(_given, value))}]`"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return _cell(f"`{value}`") if value != "" else '`""`'


def _given(value: Any) -> str:
    """Return what a mapping of a default says beside its own defaults, as YAML."""
    said = {field.name: getattr(value, field.name) for field in fields(value)
            if getattr(value, field.name) != field.default}
    return "{" + ", ".join(f"{name}: {item}" for name, item in said.items()) + "}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _actions() -> Iterator[str]:
    yield "`policy`, `approval.two_person` and `allows` of a freeze name them; `docs/remedies.md` says what they do.\n"
    yield "| action | what it is | risk | shipped policy | can be undone |\n|---|---|---|---|---|"
    for action in actions.every():
        undone = "yes" if action.remedy.reversible else "no"
        yield f"| `{action.name}` | {action.remedy.phrase} | {action.risk} | {action.default_policy} | {undone} |"
