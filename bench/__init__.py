"""Measurements of what this project can do, on recorded and on made-up outages."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "lambdas"))
