"""PetShop (Hardt et al. 2023): latency, requests and availability of an application's components, no spans."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from bench import recordings
from bench.external import component
from bench.external.frame import Answer, BadInput, Case, Truth

NAME = "petshop"


def cases(folder: Path) -> Iterator[Case]:
    """Yield the issues of all scenarios; the kind is the scenario, that is the traffic."""
    try:
        for scenario in recordings.read(folder):
            for case in scenario.cases():
                yield Case(case.name, scenario.name,
                           Truth(case.cause) if case.cause else None,
                           component.Recording(replace(case, cause="")))
    except recordings.BadInput as error:
        raise BadInput(str(error)) from error


def answer(case: Case, always: bool = False) -> list[Answer]:
    """Return the components in which the outage may have begun."""
    return [Answer(each.component, "", each.confidence) for each in component.suspects(case, always)]


def baselines() -> Mapping[str, Callable[[Case], list[Answer]]]:
    """Return the simple methods."""
    return component.baselines()
