"""Run the rule packs over the template: cdk-nag's PCI DSS 3.2.1, and checkov. ``make packs`` calls it.

    .venv/bin/python scripts/packs.py [--record tests/stacks/packs.json]

What stays as it is stands in ``stacks/exceptions.py``. cdk-nag's AwsSolutions and cfn-lint run in ``make test``.
checkov is installed in ``.build/packs`` (290 MB); it runs without the network.
"""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "lambdas")]

from stacks.exceptions import EXCEPTIONS, Finding, surplus, unexplained  # noqa: E402

CHECKOV = ROOT / ".build" / "packs" / "bin" / "checkov"


def synthesized(folder: Path) -> Path:
    """Write the template and cdk-nag's reports to a folder, and return the template's path."""
    subprocess.run([sys.executable, "app.py"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL, env={
        **os.environ, "CDK_OUTDIR": str(folder), "CDK_DEFAULT_ACCOUNT": "000000000000",
        "CDK_DEFAULT_REGION": "us-east-1", "CDK_CONTEXT_JSON": json.dumps({"packs": "on"})})
    return folder / "IncidentResponse.template.json"


def of_nag(folder: Path) -> set[Finding]:
    """Return what cdk-nag's PCI pack found."""
    found = set()
    for report in folder.glob("PCI*NagReport.csv"):
        with report.open(encoding="utf-8") as file:
            found |= {Finding(row["Rule ID"], row["Resource ID"]) for row in csv.DictReader(file)
                      if row["Compliance"] == "Non-Compliant"}
    return found


def of_checkov(template: Path) -> set[Finding]:
    """Return what checkov found."""
    done = subprocess.run([str(CHECKOV), "--file", str(template), "--framework", "cloudformation", "--output", "json",
                           "--compact", "--quiet"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    said = json.loads(done.stdout)
    parts = said if isinstance(said, list) else [said]
    return {Finding(item["check_id"], item["resource"]) for part in parts
            for item in part["results"]["failed_checks"]}


def main() -> int:
    """Print what no exception covers and which exceptions cover nothing; 1 where there is any."""
    with tempfile.TemporaryDirectory() as place:
        template = synthesized(Path(place))
        found = of_nag(Path(place)) | of_checkov(template)
    if sys.argv[1:2] == ["--record"]:
        Path(sys.argv[2]).write_text("[\n" + ",\n".join(
            json.dumps([one.rule, one.resource]) for one in sorted(found)) + "\n]\n", encoding="utf-8")
    bad, old = unexplained(found), surplus(found)
    for finding in bad:
        sys.stdout.write(f"{finding.rule}: {finding.resource}\n")
    for one in old:
        sys.stdout.write(f"{one.rule}: no finding needs the exception for {one.resources}\n")
    sys.stdout.write(f"{len(found)} findings, {len(EXCEPTIONS)} exceptions; {len(bad)} not explained, {len(old)} not "
                     "needed\n")
    return 1 if bad or old else 0


if __name__ == "__main__":
    sys.exit(main())
