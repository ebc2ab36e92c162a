"""The services' configuration, read from YAML and checked before anything is built."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, get_args, get_type_hints

import yaml
from pydantic import TypeAdapter, ValidationError

from responder.model.service import Service
from stacks.consistency import Found, inconsistent, nearest


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong in a file."""

    file: str
    line: int
    path: str
    found: str
    expected: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.path}: found {self.found}; expected {self.expected}"


class ConfigurationError(Exception):
    """The configuration cannot be used; it lists every problem."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


def read_folder(folder: Path) -> list[Service]:
    """Return the services of all ``*.yaml`` files in a folder, by name; raises ConfigurationError."""
    files = sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")]) if folder.is_dir() else []
    if not files:
        raise ConfigurationError([Problem(str(folder), 0, "", "no .yaml file", "one file for each service")])
    services: list[Service] = []
    problems: list[Problem] = []
    for file in files:
        try:
            services.append(read_file(file))
        except ConfigurationError as error:
            problems += error.problems
    seen: dict[str, str] = {}
    for file, service in zip(files, services, strict=False):
        if service.service in seen:
            problems.append(Problem(str(file), 1, "service", repr(service.service),
                                    f"a name that {seen[service.service]} does not have"))
        seen[service.service] = file.name
    # One function probes for all services, and a function is in one network.
    probing = [(file, service) for file, service in zip(files, services, strict=False) if service.probes]
    problems += [Problem(str(file), 1, "network", "another network", f"that of {probing[0][0].name}, or no probes")
                 for file, service in probing[1:] if service.network != probing[0][1].network]
    if problems:
        raise ConfigurationError(problems)
    return sorted(services, key=lambda service: service.service)


def read_file(file: Path) -> Service:
    """Return the service that a file describes; raises ConfigurationError naming line, path, found and expected."""
    try:
        text = file.read_text(encoding="utf-8")
        value, node = yaml.safe_load(text), yaml.compose(text, Loader=yaml.SafeLoader)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError([Problem(str(file), 0, "", str(error), "a readable text file")]) from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise ConfigurationError([Problem(str(file), mark.line + 1 if mark else 0, "",
                                          str(getattr(error, "problem", error)), "YAML")]) from error
    if not isinstance(value, dict):
        raise ConfigurationError([Problem(str(file), 1, "", type(value).__name__, "a mapping of fields")])
    problems = [Problem(str(file), line_of(node, path), path_text(path), found, expected)
                for path, found, expected in _unknown(Service, value, ())]
    try:
        service = TypeAdapter(Service).validate_python(value)
    except ValidationError as error:
        problems += [Problem(str(file), line_of(node, item["loc"]), path_text(item["loc"]),
                             "nothing" if item["type"] == "missing" else repr(item.get("input"))[:80],
                             "this field" if item["type"] == "missing"
                             else item["msg"].removeprefix("Input should be "))
                     for item in error.errors()]
        raise ConfigurationError(problems) from error
    problems += [Problem(str(file), line_of(node, path), path_text(path), found, expected)
                 for path, found, expected in inconsistent(service)]
    if problems:
        raise ConfigurationError(problems)
    return service


def _unknown(kind: Any, value: Any, path: tuple[str | int, ...]) -> Iterator[Found]:
    """Find fields that the model does not have, and name the nearest that it has."""
    parts = [part for part in (kind, *get_args(kind)) if is_dataclass(part)]
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _unknown(kind, item, (*path, index))
    elif isinstance(value, dict) and parts:
        known = {field.name for field in fields(parts[0])}
        hints = get_type_hints(parts[0])
        for key, item in value.items():
            if key in known:
                yield from _unknown(hints[key], item, (*path, key))
            else:
                yield (*path, key), "an unknown field", nearest(str(key), known)


def line_of(node: yaml.Node | None, path: Sequence[str | int]) -> int:
    """Return the line of a field, or of the nearest one around it that is there."""
    line = node.start_mark.line + 1 if node else 0
    for part in path:
        if isinstance(node, yaml.MappingNode):
            found = next(((key, value) for key, value in node.value if key.value == str(part)), None)
            if found is None:
                return line
            line, node = found[0].start_mark.line + 1, found[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line + 1
        else:
            return line
    return line


def path_text(path: Sequence[str | int]) -> str:
    """A field's path as people write it: ``components[0].calls[1]``."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".") or "(file)"


if __name__ == "__main__":
    import sys

    try:
        for checked in read_folder(Path(sys.argv[1])):
            sys.stdout.write(f"{checked.service}: configuration is valid, mode {checked.mode}\n")
    except ConfigurationError as problem:
        sys.exit(str(problem))
