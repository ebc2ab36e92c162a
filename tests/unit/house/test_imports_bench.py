"""The bench of cold starts leaves no function out, and holds each to its own goal."""

from __future__ import annotations

import json
import subprocess
import sys
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


def test_judging_changes_is_loaded_where_it_is_diagnosed_and_not_by_the_remedy() -> None:
    code = """
import importlib, sys
for name in ("handlers.steps", "handlers.act", "actions.turn_flag_back"):
    importlib.import_module(f"responder.{name}")
print("responder.plan.change_suspects" in sys.modules)
importlib.import_module("responder.handlers.diagnose")
from responder.plan.weights import shipped
shipped()  # as each diagnosis does before it reads the evidence
print("responder.plan.change_suspects" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True,
                          env={"PYTHONPATH": str(ROOT / "lambdas")})
    assert done.stdout.split() == ["False", "True"]
