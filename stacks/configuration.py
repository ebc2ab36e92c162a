"""The services' configuration, read from YAML and checked before anything is built.

``check_folder`` says all that is wrong with a folder, with warnings, and is what ``responder check`` shows.
``read_folder``, ``read_file`` and ``read_settings`` are for who needs the configuration, and raise what is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Generic, TypeVar

import yaml

from responder.model.service import Service
from stacks import deployment, elsewhere, network
from stacks.consistency import CHECKS
from stacks.contradictions import WARNINGS
from stacks.deployment import Settings
from stacks.nearest import Found
from stacks.reading import fields, secrets, syntax
from stacks.reading import values as plain
from stacks.reading.loading import MOST_BYTES, TooLong, short
from stacks.reading.problem import Mistake, Problem, line_of, path_text
from stacks.reading.problem import Path as Field
from stacks.reading.text import readable
from stacks.reading.typed import judged, typed
from stacks.reading.wording import at, kind_of

T = TypeVar("T")
_Checks = Sequence[Callable[[T], Iterator[Found]]]


class ConfigurationError(Exception):
    """The configuration cannot be used; it lists every error."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


@dataclass(frozen=True)
class Checked:
    """What a folder holds, and all that is wrong with it."""

    services: tuple[Service, ...]
    """By name; those of files without errors."""
    settings: Settings
    files: tuple[str, ...]
    problems: tuple[Problem, ...]
    """Errors and warnings, by file and line."""

    @property
    def errors(self) -> tuple[Problem, ...]:
        """What must be mended before anything is built."""
        return tuple(problem for problem in self.problems if problem.level == "error")


@dataclass(frozen=True)
class _Reading(Generic[T]):
    """One file."""

    made: T | None
    """None where it has errors."""
    problems: tuple[Problem, ...]
    node: yaml.Node | None

    @property
    def errors(self) -> tuple[Problem, ...]:
        return tuple(problem for problem in self.problems if problem.level == "error")


def check_folder(folder: Path) -> Checked:
    """Return what all files of a folder hold, and every mistake in them.

    All ``*.yaml`` and ``*.yml`` files are services, but for the deployment's own. What of it a running function needs
    becomes a part of each service.
    """
    files = _services_of(folder)
    of_deployment = _settings_in(folder)
    problems = list(of_deployment.problems)
    if not files:
        what = "the folder has no .yaml file; each service needs one" if folder.is_dir() else "no such folder"
        problems.append(Problem(str(folder), 0, "", what, ""))
    readings = {file: _read(Service, file, CHECKS, WARNINGS) for file in files}
    problems += [problem for reading in readings.values() for problem in reading.problems]
    problems += _of_one_name(readings)
    made = {file: reading.made for file, reading in readings.items() if reading.made is not None}
    named = {service.service: file for file, service in made.items()}
    for service, found in _together(list(made.values())):
        file = named[service.service]
        problems.append(Problem(str(file), line_of(readings[file].node, found[0]), path_text(found[0]), *found[1:]))
    settings = of_deployment.made or Settings()
    return Checked(tuple(sorted((_within(service, settings) for service in made.values()),
                                key=lambda service: service.service)), settings,
                   tuple(str(file) for file in files), tuple(_in_order(problems)))


def read_folder(folder: Path) -> list[Service]:
    """Return the services of all files in a folder, by name; raises ConfigurationError with every error."""
    checked = check_folder(folder)
    if checked.errors:
        raise ConfigurationError(checked.errors)
    return list(checked.services)


def read_settings(folder: Path) -> Settings:
    """Return the settings of the deployment that a folder describes; raises ConfigurationError as ``read_file`` does.

    A folder without ``deployment.yaml`` has the defaults.
    """
    return _sound(_settings_in(folder))


def read_file(file: Path) -> Service:
    """Return the service that a file describes; raises ConfigurationError naming line, path, found and expected."""
    return _sound(_read(Service, file, CHECKS, ()))


def check_file(file: Path) -> tuple[Problem, ...]:
    """Return all that is wrong with one file of a service, or with the deployment's own, with warnings."""
    if file.name == deployment.FILE:
        return tuple(_in_order(_settings_in(file.parent).problems))
    return tuple(_in_order(_read(Service, file, CHECKS, WARNINGS).problems))


def _sound(reading: _Reading[T]) -> T:
    if reading.errors or reading.made is None:
        raise ConfigurationError(reading.errors)
    return reading.made


def _services_of(folder: Path) -> list[Path]:
    known = (deployment.FILE, Path(deployment.FILE).with_suffix(".yml").name)
    return sorted(file for file in [*folder.glob("*.yaml"), *folder.glob("*.yml")] if file.name not in known)


def _settings_in(folder: Path) -> _Reading[Settings]:
    file = folder / deployment.FILE
    misnamed = file.with_suffix(".yml")
    if misnamed.exists():
        return _Reading(None, (Problem(str(misnamed), 0, "", "the name", file.name),), None)
    if not file.exists():
        return _Reading(Settings(), (), None)
    return _read(Settings, file, deployment.CHECKS, deployment.WARNINGS)


def _in_order(problems: Sequence[Problem]) -> list[Problem]:
    return sorted(dict.fromkeys(problems), key=lambda problem: (problem.file, problem.line))


def _of_one_name(readings: dict[Path, _Reading[Service]]) -> Iterator[Problem]:
    """Find services that have the name of another."""
    seen: dict[str, str] = {}
    for file, reading in readings.items():
        name = reading.made.service if reading.made else ""
        if name and name in seen:
            yield Problem(str(file), line_of(reading.node, ("service",)), "service", repr(name),
                          f"a name that {seen[name]} does not have")
        elif name:
            seen[name] = file.name


def _together(services: Sequence[Service]) -> Iterator[tuple[Service, Found]]:
    """Find what services do not agree on, and roles elsewhere whose names are too long for their functions."""
    clashes = list(network.between(services))
    yield from clashes
    if not clashes:
        for service in services:
            yield from ((service, found) for found in elsewhere.unfit(service, services))


def _within(service: Service, settings: Settings) -> Service:
    """Return a service with what a running function needs to know of its deployment."""
    lock = settings.object_lock
    return replace(service, prefix=settings.prefix, reports=replace(
        service.reports, lock_days=service.reports.lock_days or lock.days, lock_mode=lock.mode))


def _read(kind: type[T], file: Path, checks: _Checks[T], warnings: _Checks[T]) -> _Reading[T]:
    """Return what a file holds, with each mistake in it: one does not hide the others."""
    try:
        text, mistakes = readable(_content(file))
    except TooLong as error:
        return _Reading(None, (Problem(str(file), 0, "", str(error), ""),), None)
    except OSError as error:
        return _Reading(None, (Problem(str(file), 0, "", _unreadable(error), ""),), None)
    form = syntax.composed(text)
    found = plain.values(form.node)
    kept = secrets.kept_in(text, form.node)
    mistakes += [*form.mistakes, *secrets.mistakes_of(kept)]
    made: Any = None
    if isinstance(found.value, dict):
        told = [*found.mistakes, *fields.unknown(kind, found.value), *secrets.names_of_secrets(form.node)]
        # What was misspelt is not missing, and what it was meant to be is not known.
        spoilt = {secret.path for secret in kept} | {
            path for mistake in told for path in (mistake.path, *mistake.meant)
            if path == mistake.path or at(found.value, path) is None}
        made, of_kinds, damage = typed(kind, found, spoilt - {()}, form.complete)
        told += of_kinds
        if form.complete:
            told += (_as_written(mistake, found) for mistake in _judgements(made, checks, warnings, damage))
        # What looks like a key is told of once.
        mistakes += [mistake for mistake in told if not any(
            secret.path and mistake.path == secret.path for secret in kept)]
    elif form.complete:
        mistakes.append(Mistake((), "the file is empty", "") if found.value is None and form.node is None else
                        Mistake((), kind_of(found.value), "a mapping of fields", 1))
    problems = tuple(_in_file(file, form.node, secrets.hidden(mistake, kept)) for mistake in mistakes)
    is_sound = not any(problem.level == "error" for problem in problems)
    return _Reading(made if is_sound else None, problems, form.node)


def _content(file: Path) -> bytes:
    with file.open("rb") as stream:
        return short(stream.read(MOST_BYTES + 1))


def _judgements(made: Any, checks: _Checks[Any], warnings: _Checks[Any], damage: Collection[Field]
                ) -> Iterator[Mistake]:
    """Yield what fields say together; a place that is wrong already is not told of again, nor warned of."""
    wrong = set(damage)
    told: set[tuple[Field, str]] = set()
    for check in checks:
        for path, found, expected in judged(check, made, bool(damage)):
            # What two checks find of one value is said of the field, and not again of what it is in.
            if path not in damage and not any(found == other and path == of[:len(path)] for of, other in told):
                wrong.add(path)
                told.add((path, found))
                yield Mistake(path, found, expected)
    for check in warnings:
        for path, found, expected in judged(check, made, bool(damage)):
            if path not in wrong:
                yield Mistake(path, found, expected, level="warning")


def _as_written(mistake: Mistake, found: plain.Values) -> Mistake:
    """Return a mistake with a number as the file has it: 5, and not 5.0."""
    text = found.written.get(mistake.path, "")
    return replace(mistake, found=text) if text.isdigit() and mistake.found == f"{text}.0" else mistake


def _in_file(file: Path, node: yaml.Node | None, mistake: Mistake) -> Problem:
    line = mistake.line or (line_of(node, mistake.path) if mistake.path else 0)
    return Problem(str(file), line, path_text(mistake.path) if mistake.path else "", mistake.found, mistake.expected,
                   mistake.level)


def _unreadable(error: OSError) -> str:
    """Return why a file cannot be read."""
    match error:
        case FileNotFoundError():
            return "no such file"
        case IsADirectoryError():
            return "a folder; a service's configuration is a file"
        case PermissionError():
            return "no permission to read the file"
    return str(error)
