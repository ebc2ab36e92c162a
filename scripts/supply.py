"""The project's dependencies: packages with version, hashes and licence, read from the locks and from metadata.

Formats: pip's page "Repeatable Installs" (hash-checking mode), npm's page "package-lock.json" (version 3), and the
Python Packaging User Guide's "Core metadata specifications".
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Literal

ROOT = Path(__file__).resolve().parent.parent
FUNCTIONS, TOOLS, RELEASE = (ROOT / name for name in (
    "lambdas/requirements.txt", "requirements-dev.txt", "requirements-release.txt"))
LOCKS = (FUNCTIONS, ROOT / "requirements.txt", TOOLS, RELEASE)
BROUGHT_BY_PYTHON = frozenset({"pip", "setuptools"})
"""``python -m venv`` puts them there, from the interpreter's own copy."""
OWN = "incident-response"
"""This project: its command line is linked into .venv, and nothing is fetched for it."""
_PINNED = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)(?:\[[^]]*\])?==(?P<version>[^\s;\\]+)"
                     r"(?:\s*;\s*(?P<marker>[^\\]+?))?\s*\\?$")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


class SupplyError(Exception):
    """A dependency has no hash or no known licence."""


@dataclass(frozen=True)
class Package:
    """One package that the project depends on."""

    kind: Literal["pypi", "npm"]
    name: str
    version: str
    hashes: tuple[tuple[str, str], ...]
    """Algorithm (``SHA-256``, ``SHA-512``) and hexadecimal digest of each file that may be installed."""
    use: Literal["functions", "tools"]
    licence: str = ""
    marker: str = ""
    """The environments that install it (PEP 508); empty: all."""


@dataclass(frozen=True)
class KnownLicence:
    """The licence of a package whose metadata does not name it, and the source of that knowledge."""

    licence: str
    reason: str


LICENCES: dict[str, KnownLicence] = {}
"""By package. An entry says where the licence was read, so that the next version can be looked up there again."""


def canonical(name: str) -> str:
    """Return a Python package's name as PEP 503 writes it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def locked(path: Path, use: Literal["functions", "tools"] = "tools") -> list[Package]:
    """Return the packages of a lock; raises SupplyError where one has no hash."""
    found: list[Package] = []
    text = path.read_text(encoding="utf-8")
    for block in re.split(r"\n(?=[A-Za-z0-9])", text):
        pinned = _PINNED.match(block.splitlines()[0]) if block.strip() else None
        if pinned is None:
            if re.match(r"[A-Za-z0-9]", block):
                raise SupplyError(f"{path.name}: {block.splitlines()[0]} is not pinned")
            continue
        hashes = tuple(("SHA-256", digest) for digest in _HASH.findall(block))
        if not hashes:
            raise SupplyError(f"{path.name}: {pinned['name']} has no hash")
        found.append(Package("pypi", canonical(pinned["name"]), pinned["version"], hashes, use,
                             marker=pinned["marker"] or ""))
    return found


def npm(path: Path = ROOT / "package-lock.json") -> list[Package]:
    """Return the npm packages of a lock; raises SupplyError where one has no integrity."""
    found = []
    for place, item in json.loads(path.read_text(encoding="utf-8"))["packages"].items():
        if not place:
            continue
        name = item.get("name") or place.rpartition("node_modules/")[2]
        algorithm, _, digest = str(item.get("integrity", "")).partition("-")
        if algorithm != "sha512":
            raise SupplyError(f"{path.name}: {name} has no integrity")
        found.append(Package("npm", name, item["version"], (("SHA-512", base64.b64decode(digest).hex()),), "tools",
                             licence=_named(item.get("license", ""))))
    return sorted(set(found), key=lambda package: (package.name, package.version))


def installed(site_packages: Path) -> dict[str, Distribution]:
    """Return the packages that are installed in a folder, by name."""
    found = {canonical(item.metadata["Name"]): item for item in distributions(path=[str(site_packages)])}
    return {name: item for name, item in found.items() if name != OWN}


def licence(distribution: Distribution) -> str:
    """Return the licence that a package's metadata gives, as SPDX expression or as its own words; empty: none."""
    metadata = distribution.metadata
    said = metadata.get_all("License-Expression") or [
        line.rpartition("::")[2].strip() for line in metadata.get_all("Classifier") or []
        if line.startswith("License ::") and "OSI Approved ::" in line]
    free = (metadata.get("License") or "").strip()
    # Some packages put the licence's whole text there instead of its name.
    return _named(" AND ".join(said) or (free if len(free) <= 60 and "\n" not in free else ""))


def everything(site_packages: Path) -> list[Package]:
    """Return all packages with their licences; raises SupplyError that names every one whose licence is not known."""
    functions = {package.name for package in locked(FUNCTIONS)}
    there = installed(site_packages)
    found = [_licensed(package, there, "functions" if package.name in functions else "tools")
             for package in locked(TOOLS) if package.name in there or not package.marker]
    found += npm()
    found = [_known(package) for package in found]
    unknown = [f"{package.kind}: {package.name} {package.version}" for package in found if not package.licence]
    if unknown:
        raise SupplyError("the licence of these is not known; look it up and name it in scripts/supply.py, LICENCES:\n"
                          + "\n".join(unknown))
    return found


def table(packages: Iterable[Package]) -> Iterator[str]:
    """Yield the lines of the licence list in Markdown."""
    yield "# Licences"
    for use, title in (("functions", "In the functions"), ("tools", "To build, deploy and test")):
        yield from ("", f"## {title}", "", "| package | version | licence | from |", "|---|---|---|---|")
        for package in sorted(packages, key=lambda item: (item.kind, item.name, item.version)):
            if package.use == use:
                text = package.licence.replace("|", "\\|")
                yield f"| {package.name} | {package.version} | {text} | {package.kind} |"
    noted = {package.name for package in packages} & LICENCES.keys()
    if noted:
        yield from ("", "## Read elsewhere than in the metadata", "")
        yield from (f"- {name}: {LICENCES[name].licence}; {LICENCES[name].reason}" for name in sorted(noted))


def _licensed(package: Package, there: dict[str, Distribution], use: Literal["functions", "tools"]) -> Package:
    own = there.get(package.name)
    return Package("pypi", package.name, package.version, package.hashes, use,
                   licence(own) if own is not None else "", package.marker)


def _known(package: Package) -> Package:
    own = LICENCES.get(package.name)
    if package.licence or own is None:
        return package
    return Package(package.kind, package.name, package.version, package.hashes, package.use, own.licence,
                   package.marker)


def _named(text: str) -> str:
    return "" if text.strip().upper() in ("", "UNKNOWN", "NONE", "SEE LICENSE IN LICENSE", "UNLICENSED") else " ".join(
        text.split())
