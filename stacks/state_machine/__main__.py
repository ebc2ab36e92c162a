"""Write the state machine's definition and its page."""

from __future__ import annotations

import json
from pathlib import Path

from stacks.state_machine.picture import page
from stacks.state_machine.plan import definition, plan

ROOT = Path(__file__).resolve().parents[2]


def files() -> dict[Path, str]:
    """Return the files to write: path to text."""
    machine = plan()
    return {ROOT / "statemachines" / "incident_response.asl.json": json.dumps(definition(machine), indent=2) + "\n",
            ROOT / "docs" / "state-machine.md": page(machine)}


if __name__ == "__main__":
    for path, text in files().items():
        path.write_text(text, encoding="utf-8")
