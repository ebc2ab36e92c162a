"""Renew the locks from the ``.in`` files beside them: every installed package, with the hashes of all its files.

    make lock [UPGRADE=1]

One lock serves Python 3.11 and newer on every platform (uv's page "Locking environments", universal resolution). A
locked version stays, unless UPGRADE is set or an ``.in`` file requires another. The locks agree: each uses the versions
of the largest one.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_LARGEST = "requirements-dev"
_OTHERS = ("requirements", "lambdas/requirements")
_ALONE = ("requirements-release", "requirements-packs", "requirements-docs")


def main() -> None:
    """Renew all locks."""
    for name in (_LARGEST, *_OTHERS, *_ALONE):
        held = ["--constraint", f"{_LARGEST}.txt"] if name in _OTHERS else []
        subprocess.run([
            str(Path(sys.executable).with_name("uv")), "pip", "compile", f"{name}.in", "--universal",
            "--python-version", "3.11", "--generate-hashes", "--no-emit-index-url", "--no-emit-find-links",
            "--custom-compile-command", "make lock", "--quiet", "--output-file", f"{name}.txt", *held,
            *(["--upgrade"] if os.environ.get("UPGRADE") and not held else [])], cwd=ROOT, check=True)


if __name__ == "__main__":
    main()
