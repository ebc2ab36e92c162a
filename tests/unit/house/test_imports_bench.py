"""The bench of cold starts leaves no function out, and holds each to its own goal."""

from __future__ import annotations

import json
from importlib.util import find_spec

from bench.imports import functions
from tests.conftest import ROOT


def deployed() -> set[str]:
    template = json.loads((ROOT / "tests" / "stacks" / "snapshot.json").read_text(encoding="utf-8"))
    return {resource["Properties"]["FunctionName"].removeprefix("incident-response-")
            for resource in template["Resources"].values() if resource["Type"] == "AWS::Lambda::Function"}


def test_each_deployed_function_is_measured() -> None:
    measured = {name.replace(" ", "-").replace("_", "-") for name in functions()}
    assert deployed() - measured == set()


def test_what_is_loaded_is_there_and_only_what_reads_clusters_may_take_longer() -> None:
    for name, one in functions().items():
        assert all(find_spec(f"responder.{module}") for module in one.modules), name
        assert one.highest_ratio == (2.0 if one.kubernetes else 1.5)
    assert functions()["source kubernetes"].kubernetes and not functions()["source splunk"].kubernetes
