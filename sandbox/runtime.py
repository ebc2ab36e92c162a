"""The Python that functions run on: the standard library, boto3, and nothing else of this machine.

Source: AWS, "Lambda runtimes" and "Building Lambda functions with Python": a runtime has the AWS SDK, and what else a
function needs is in its package. A virtual environment for development has more, and some of it changes what is
imported: httpcore loads ``h2`` and httpx loads ``rich`` wherever they find them.
"""

from __future__ import annotations

import re
import shlex
import shutil
import sys
from importlib import metadata
from pathlib import Path

SDK = "boto3"


def packages(folder: Path, *names: str) -> Path:
    """Fill a folder with links to installed distributions and to those that they require; returns it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    seen: set[str] = set()
    left = list(names)
    while left:
        name = left.pop()
        key = re.sub(r"[-_.]+", "-", name).lower()
        if key in seen:
            continue
        seen.add(key)
        try:
            found = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue  # for another platform or Python version
        for top in {file.parts[0] for file in found.files or () if file.parts[0] not in ("..", "__pycache__")}:
            target = Path(str(found.locate_file(top)))
            if target.exists() and not (folder / top).is_symlink():
                (folder / top).symlink_to(target)
        left += [re.split(r"[^A-Za-z0-9._-]", text)[0] for text in found.requires or () if "extra ==" not in text]
    return folder


def python(folder: Path) -> Path:
    """Write a command below ``folder`` that runs a script as a function's runtime does; returns it."""
    path = packages(folder / "packages", SDK)
    command = folder / "python"
    # -S: without it, the packages of the virtual environment are found too.
    command.write_text(f"#!/bin/sh\nPYTHONPATH={shlex.quote(str(path))} exec {shlex.quote(sys.executable)} -S \"$@\"\n",
                       encoding="utf-8")
    command.chmod(0o755)
    return command
