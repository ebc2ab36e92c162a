#!/usr/bin/env python3
"""Installs the project's tools: .venv with the locked packages, and the CDK command line in node_modules.

    python3 scripts/setup.py
    python3 scripts/setup.py tools     also .build/tools, for `make lock` and `make release`
    python3 scripts/setup.py packs     also .build/packs, for `make packs`
    python3 scripts/setup.py docs      also .build/docs, for `make site`

It uses only the standard library and old syntax, so that an old Python can read it and print that it is too old.
Existing installations stay.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = os.path.join(ROOT, ".venv")
TOOLS = os.path.join(ROOT, ".build", "tools")
PACKS = os.path.join(ROOT, ".build", "packs")
DOCS = os.path.join(ROOT, ".build", "docs")
OLDEST_PYTHON = (3, 11)
OLDEST_NODE = 20


def main():
    if sys.version_info < OLDEST_PYTHON:
        fail("Python %d.%d or newer is needed, and this is %s. Name another one: make PYTHON=python3.12 ..."
             % (OLDEST_PYTHON + (sys.version.split()[0],)))
    node = shutil.which("node")
    if node is None or shutil.which("npm") is None:
        fail("Node.js %d or newer with npm is needed for the CDK command line, and none is on the PATH" % OLDEST_NODE)
    version = subprocess.run([node, "--version"], stdout=subprocess.PIPE, check=True).stdout.decode().strip()
    if int(version.lstrip("v").split(".")[0]) < OLDEST_NODE:
        fail("Node.js %d or newer is needed, and %s is %s" % (OLDEST_NODE, node, version))
    part("Python packages in .venv", lambda: packages(VENV, "requirements-dev.txt"), stamp(
        os.path.join(VENV, "installed"), "requirements-dev.txt"))
    part("`responder` in .venv/bin", command_line, stamp(
        os.path.join(VENV, "linked"), "requirements-dev.txt", "pyproject.toml"))
    part("CDK command line in node_modules", cdk, stamp(
        os.path.join(ROOT, "node_modules", "installed"), "package.json", "package-lock.json"))
    if "tools" in sys.argv[1:]:
        part("Release tools in .build/tools", lambda: packages(TOOLS, "requirements-release.txt"), stamp(
            os.path.join(TOOLS, "installed"), "requirements-release.txt"))
    if "packs" in sys.argv[1:]:
        part("Rule packs in .build/packs", lambda: packages(PACKS, "requirements-packs.txt"), stamp(
            os.path.join(PACKS, "installed"), "requirements-packs.txt"))
    if "docs" in sys.argv[1:]:
        part("Builder of the docs in .build/docs", lambda: packages(DOCS, "requirements-docs.txt"), stamp(
            os.path.join(DOCS, "installed"), "requirements-docs.txt"))


def packages(venv, lock):
    if not os.path.exists(os.path.join(venv, "bin", "python")):
        run([sys.executable, "-m", "venv", venv])
    # Wheels only: building one would run its author's code, and fetch build tools without hashes.
    run([os.path.join(venv, "bin", "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
         "--require-hashes", "--only-binary", ":all:", "--requirement", os.path.join(ROOT, lock)])


def command_line():
    # It runs the code of this folder: nothing is copied, and what it needs is installed already.
    run([os.path.join(VENV, "bin", "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
         "--no-deps", "--no-build-isolation", "--no-index", "--editable", ROOT])


def cdk():
    run(["npm", "ci", "--silent"])


def stamp(path, *files):
    """Return where it is kept what was installed from, and what that is now."""
    digest = hashlib.sha256(sys.version.encode())
    for name in files:
        with open(os.path.join(ROOT, name), "rb") as file:
            digest.update(file.read())
    return path, digest.hexdigest()


def part(name, action, kept):
    path, wanted = kept
    if os.path.exists(path):
        with open(path) as file:
            if file.read() == wanted:
                return
    print("  %s ..." % name, flush=True)
    started = time.time()
    action()
    with open(path, "w") as file:
        file.write(wanted)
    print("  %s (%.1f s)" % (name, time.time() - started), flush=True)


def run(command):
    done = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL)
    if done.returncode:
        fail("%s failed; the lines above say why. Nothing else was touched: run the same command again"
             % " ".join(command[:4]))


def fail(message):
    sys.exit("setup: " + message)


main()
