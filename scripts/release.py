"""Write the bill of materials and the licences of a release to ``dist/``, and ask whether there are advisories.

    make release

Exit code 1: a licence is not known, or there is an advisory. If the advisory services cannot be reached, it
says so in one line, and continues. Formats: CycloneDX 1.6; pip-audit's README; npm's page "npm audit".
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path

from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentScope, ComponentType
from cyclonedx.model.license import DisjunctiveLicense, LicenseExpression
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from scripts import supply
from scripts.supply import ROOT, Package, SupplyError

_DIST = ROOT / "dist"
_ASKED_SECONDS = 300
_NETWORK = re.compile(r"ConnectionError|ConnectTimeout|ReadTimeout|ProxyError|NameResolution|ENOTFOUND|EAI_AGAIN|"
                      r"ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|audit endpoint returned an error|"
                      r"\b(?:403 Forbidden|404 Not Found|405 Method Not Allowed|502 Bad Gateway)\b")


def main() -> int:
    """Write ``dist/sbom.cdx.json`` and ``dist/LICENCES.md``, then ask for advisories."""
    _DIST.mkdir(exist_ok=True)
    try:
        packages = supply.everything(_site_packages(ROOT / ".venv"))
    except SupplyError as error:
        print(f"release: {error}")
        return 1
    (_DIST / "LICENCES.md").write_text("\n".join(supply.table(packages)) + "\n", encoding="utf-8")
    (_DIST / "sbom.cdx.json").write_text(_bill(packages), encoding="utf-8")
    print(f"release: {len(packages)} packages in dist/sbom.cdx.json (CycloneDX 1.6) and dist/LICENCES.md")
    found = [*_advisories_python(), *_advisories_npm()]
    for line in found:
        print(f"release: {line}")
    return 1 if found else 0


def _site_packages(venv: Path) -> Path:
    """Return the packages' folder of a virtual environment of this Python."""
    return Path(sysconfig.get_path("purelib", "venv", {"base": str(venv), "platbase": str(venv)}))


def _bill(packages: Sequence[Package]) -> str:
    project = Component(name="incident-response", version="0.1.0", type=ComponentType.APPLICATION,
                        bom_ref="incident-response")
    bom = Bom()
    bom.metadata.component = project
    components = [_component(package) for package in packages]
    bom.components.update(components)
    bom.register_dependency(project, components)
    return JsonV1Dot6(bom).output_as_string(indent=1) + "\n"


def _component(package: Package) -> Component:
    namespace, _, name = package.name.rpartition("/")
    address = PackageURL(type=package.kind, namespace=namespace or None, name=name, version=package.version)
    return Component(
        name=package.name, version=package.version, type=ComponentType.LIBRARY, purl=address, bom_ref=str(address),
        # Packages outside the functions never run beside an incident's data.
        scope=ComponentScope.REQUIRED if package.use == "functions" else ComponentScope.EXCLUDED,
        licenses=[_licence(package.licence)],
        # A Python package has one file for each platform: CycloneDX takes one hash of each kind for a component.
        hashes=[HashType(alg=HashAlgorithm(algorithm), content=digest)
                for algorithm, digest in package.hashes] if len(package.hashes) == 1 else [],
        properties=[Property(name="incident-response:use", value=package.use), *(
            Property(name="incident-response:file-hash", value=f"{algorithm}:{digest}")
            for algorithm, digest in package.hashes if len(package.hashes) > 1)])


def _licence(text: str) -> DisjunctiveLicense | LicenseExpression:
    known = text.replace("(", " ").replace(")", " ").split()
    return LicenseExpression(value=text) if {"AND", "OR", "WITH"} & set(known) and "License" not in text else (
        DisjunctiveLicense(name=text))


def _advisories_python() -> list[str]:
    """Return the advisories for the locked Python packages; prints a line if the service could not be asked."""
    found = []
    for lock in (supply.TOOLS, supply.RELEASE):
        done = _run([sys.executable, "-m", "pip_audit", "--requirement", str(lock), "--require-hashes", "--disable-pip",
                     "--vulnerability-service", "osv", "--format", "json", "--progress-spinner", "off"])
        answer = _object(done)
        if "dependencies" not in answer:
            return [*found, *_not_asked("Python packages", done)]
        found += [f"{item['name']} {item['version']}: {one['id']}, fixed in {', '.join(one['fix_versions']) or 'none'}"
                  for item in answer["dependencies"] for one in item.get("vulns", [])]
    return found


def _advisories_npm() -> list[str]:
    done = _run(["npm", "audit", "--json", "--package-lock-only", "--audit=true"])
    answer = _object(done)
    if "vulnerabilities" not in answer:
        return _not_asked("npm packages", done)
    return [f"{name}: {item.get('severity', 'unknown')} advisory (npm audit says which)"
            for name, item in answer["vulnerabilities"].items()]


def _not_asked(what: str, done: subprocess.CompletedProcess[str] | None) -> list[str]:
    """Print that the service could not be asked; a failure other than the network's is a finding."""
    said = "" if done is None else done.stderr + done.stdout
    if done is not None and not _NETWORK.search(said):
        return [f"advisories for {what} could not be asked for: {(said.strip() or 'no answer').splitlines()[-1][:160]}"]
    print(f"release: advisories for {what} were NOT checked: the service that has them cannot be reached from here")
    return []


def _run(command: Sequence[str]) -> subprocess.CompletedProcess[str] | None:
    try:
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=_ASKED_SECONDS)
    except subprocess.TimeoutExpired:
        return None


def _object(done: subprocess.CompletedProcess[str] | None) -> dict:
    try:
        answer = json.loads(done.stdout) if done else {}
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


if __name__ == "__main__":
    sys.exit(main())
