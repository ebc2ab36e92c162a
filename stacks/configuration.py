"""The services' configuration, read from YAML and checked before anything is built."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from pathlib import Path
from typing import Any, TypeVar, get_args, get_type_hints

import yaml
from pydantic import TypeAdapter, ValidationError

from responder.model.service import Reports, Service
from stacks import deployment, elsewhere, network, words
from stacks.consistency import inconsistent
from stacks.deployment import Settings
from stacks.nearest import Found, nearest

T = TypeVar("T")
_OF_DEPLOYMENT = {("prefix",), ("reports", "lock_mode")}
"""Fields of a service that ``_within`` fills in, and no file of a service has."""


@dataclass(frozen=True)
class Problem:
    """One error in a file."""

    file: str
    line: int
    """From 1; 0 where the problem is the whole file."""
    path: str
    """The field, as ``path_text`` writes it; empty where the problem is no field's."""
    found: str
    """What was found; the whole message where ``expected`` is empty."""
    expected: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        message = f"found {self.found}; expected {self.expected}" if self.expected else self.found
        return ": ".join(part for part in (place, self.path, message) if part)


class ConfigurationError(Exception):
    """The configuration cannot be used; it lists every problem."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


def read_folder(folder: Path) -> list[Service]:
    """Return the services of all ``*.yaml`` files in a folder, by name; raises ConfigurationError.

    The deployment's own file is no service; what of it a running function needs becomes a part of each service.
    """
    files = sorted(file for file in [*folder.glob("*.yaml"), *folder.glob("*.yml")]
                   if file.name != deployment.FILE) if folder.is_dir() else []
    if not files:
        raise ConfigurationError([
            Problem(str(folder), 0, "", "the folder has no .yaml file; each service needs one", "")])
    services: list[Service] = []
    problems: list[Problem] = []
    settings = Settings()
    try:
        settings = read_settings(folder)
    except ConfigurationError as error:
        problems += error.problems
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
    if not problems:
        # What services need of each other's networks is known only where all of them can be read.
        named = {service.service: file for file, service in zip(files, services, strict=True)}
        problems += [_located(named[service.service], found) for service, found in _together(services)]
    if problems:
        raise ConfigurationError(problems)
    return sorted((_within(service, settings) for service in services), key=lambda service: service.service)


def _together(services: Sequence[Service]) -> Iterator[tuple[Service, Found]]:
    """Find what services do not agree on, or what is not there for their functions."""
    clashes = list(network.between(services))
    yield from clashes
    if not clashes:
        yield from network.missing(services)
        for service in services:
            yield from ((service, found) for found in elsewhere.unfit(service, services))


def _located(file: Path, found: Found) -> Problem:
    return Problem(str(file), line_of(_load(file)[1], found[0]), path_text(found[0]), found[1], found[2])


def _within(service: Service, settings: Settings) -> Service:
    """Return a service with what a running function needs to know of its deployment."""
    lock = settings.object_lock
    return replace(service, prefix=settings.prefix, reports=replace(
        service.reports, lock_days=service.reports.lock_days or lock.days, lock_mode=lock.mode))


def read_settings(folder: Path) -> Settings:
    """Return the settings of the deployment that a folder describes; raises ConfigurationError as ``read_file`` does.

    A folder without ``deployment.yaml`` has the defaults.
    """
    file = folder / deployment.FILE
    misnamed = file.with_suffix(".yml")
    if misnamed.exists():
        raise ConfigurationError([Problem(str(misnamed), 0, "", "the name", file.name)])
    return _read(Settings, file, deployment.inconsistent) if file.exists() else Settings()


def read_file(file: Path) -> Service:
    """Return the service that a file describes; raises ConfigurationError naming line, path, found and expected."""
    return _read(Service, file, inconsistent)


def _read(kind: type[T], file: Path, check: Callable[[T], Iterator[Found]]) -> T:
    value, node = _load(file)
    problems = [Problem(str(file), line_of(node, path), path_text(path), found, expected)
                for path, found, expected in _unknown(kind, value, ())]
    try:
        made = TypeAdapter(kind).validate_python(value)
    except ValidationError as error:
        problems += [Problem(str(file), line_of(node, item["loc"]), path_text(item["loc"]),
                             "nothing" if item["type"] == "missing" else repr(item.get("input"))[:80],
                             words.expected(item, item["loc"]))
                     for item in error.errors()]
        raise ConfigurationError(problems) from error
    problems += [Problem(str(file), line_of(node, path), path_text(path), found, expected)
                 for path, found, expected in check(made)]
    if problems:
        raise ConfigurationError(problems)
    return made


def _load(file: Path) -> tuple[dict[str, Any], yaml.Node | None]:
    """Return the fields of a YAML file and its nodes, which know their lines; raises ConfigurationError."""
    def refused(line: int, found: str, expected: str = "") -> ConfigurationError:
        return ConfigurationError([Problem(str(file), line, "", found, expected)])
    try:
        text = file.read_text(encoding="utf-8")
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        repeated = [Problem(str(file), line, path_text(path), f"a field that line {first} has already",
                            "each field once") for path, line, first in _repeated(node)]
        if repeated:
            raise ConfigurationError(repeated)
        value = yaml.safe_load(text)
    except (OSError, UnicodeDecodeError) as error:
        raise refused(0, words.unreadable(error)) from error
    except yaml.MarkedYAMLError as error:
        said, line = str(error.problem), error.problem_mark.line + 1 if error.problem_mark else 0
        if "\\t" in said:
            raise refused(line, "a tab; YAML is indented with spaces") from error
        raise refused(line, said.removeprefix("found "), "YAML") from error
    except (yaml.YAMLError, ValueError) as error:
        raise refused(0, " ".join(str(error).split()), "YAML") from error
    if value is None:
        raise refused(0, "the file is empty")
    if not isinstance(value, dict):
        raise refused(1, words.kind_of(value), "a mapping of fields")
    return value, node


def _repeated(node: yaml.Node | None) -> Iterator[tuple[tuple[str | int, ...], int, int]]:
    """Yield the path, the line and the line of the first occurrence of each key that a mapping has twice."""
    stack: list[tuple[tuple[str | int, ...], yaml.Node]] = [((), node)] if node else []
    visited: set[int] = set()
    while stack:
        path, part = stack.pop()
        if id(part) in visited:
            continue
        visited.add(id(part))
        if isinstance(part, yaml.SequenceNode):
            stack += [((*path, index), item) for index, item in enumerate(part.value)]
        elif isinstance(part, yaml.MappingNode):
            lines: dict[str, int] = {}
            for key, item in part.value:
                name, line = str(key.value), key.start_mark.line + 1
                if name in lines:
                    yield (*path, name), line, lines[name]
                lines.setdefault(name, line)
                stack.append(((*path, name), item))


def _unknown(kind: Any, value: Any, path: tuple[str | int, ...]) -> Iterator[Found]:
    """Find unknown fields, and name the nearest known one."""
    parts = [part for part in (kind, *get_args(kind)) if is_dataclass(part)]
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _unknown(kind, item, (*path, index))
    elif isinstance(value, dict) and parts:
        known = {field.name for field in fields(parts[0])}
        hints = get_type_hints(parts[0])
        for key, item in value.items():
            if (*path, key) in _OF_DEPLOYMENT and kind in (Service, Reports):
                yield (*path, key), "a field of the deployment", f"it in {deployment.FILE}"
            elif key in known:
                yield from _unknown(hints[key], item, (*path, key))
            elif not path and (said := words.unsupported(str(key))):
                yield (*path, key), said, ""
            else:
                yield (*path, key), "an unknown field", nearest(str(key), known)


def line_of(node: yaml.Node | None, path: Sequence[str | int]) -> int:
    """Return the line of a field, or of the nearest existing one around it."""
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
