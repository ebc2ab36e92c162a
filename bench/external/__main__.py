"""``python -m bench.external [FOLDER | SET=FOLDER]… [--json OUT]``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.external import measure, report, write
from bench.external.frame import BadInput


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables; return 2 where the input cannot be read."""
    parser = argparse.ArgumentParser(prog="python -m bench.external",
                                     description="How right the responder is about outages that others recorded.")
    parser.add_argument("folders", nargs="*", metavar="FOLDER | SET=FOLDER",
                        help="folders with a folder for each set, or one set's (default: ../shared/data)")
    parser.add_argument("--json", type=Path, metavar="OUT", help="write what was answered, a JSON line each")
    options = parser.parse_args(arguments)
    try:
        results = measure(options.folders)
        if options.json:
            write(results, options.json)
    except (BadInput, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(report(results))
    return 0


if __name__ == "__main__":
    sys.exit(main())
