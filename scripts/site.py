"""``make site``: build the docs as a site into ``.build/site``; a broken link, or anything of a foreign host, fails it.

The pages are those of ``docs/``, ``README.md`` as the first one, and what is generated: the commands of ``responder``,
and what is on record.
They are copied to ``.build/site-source`` first, and there a page that is named in code becomes a link: the repository's
readers see `docs/running.md`, the site's see its title. ``NAVIGATION`` places them. mermaid, which draws the two
diagrams, comes from npm as one archive whose digest stands here: the builder's theme would load it from a foreign host.
"""

from __future__ import annotations

import ast
import base64
import hashlib
import json
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "lambdas")]
SOURCE, SITE = ROOT / ".build" / "site-source", ROOT / ".build" / "site"
BUILDER = ROOT / ".build" / "docs" / "bin" / "zensical"
MERMAID = "mermaid@12.3.0"
_MERMAID_DIGEST = "4113TdXeLAsMruJ79OpFL5O8+LTFXhQqZ260rF3tgUmiNAtRm4Uume04I+65PRN6yZ69J4f8rVYWW8zRk65UYw=="
"""SHA-512 in base64, as npm's lock files have it."""

NAVIGATION: Mapping[str, Sequence[str]] = {
    "Tutorial": ("tutorial.md",),
    "How-to": ("how-to/first-service.md", "checking.md", "how-to/second-service.md", "how-to/splunk-cloud.md",
               "how-to/private-eks.md", "how-to/several-accounts.md", "how-to/staging.md", "doctor.md",
               "how-to/backtest.md", "rollout.md", "operating.md", "how-to/drill.md", "how-to/remedy.md",
               "how-to/source.md", "how-to/upgrade.md", "upgrades.md", "how-to/restore.md", "how-to/uninstall.md",
               "how-to/*", "manual-steps.md", "extending.md", "account.md"),
    "Reference": ("reference/configuration.md", "reference/commands.md", "reference/permissions.md",
                  "reference/records.md", "reference/*", "cluster-permissions.md",
                  "state-machine.md", "drills.md", "alarms.md", "sources.md", "remedies.md", "people.md", "network.md",
                  "costs.md", "scale.md", "benchmarks.md", "generated.md", "dependencies.md"),
    "Explanation": ("explanation/why-deterministic.md", "explanation/how-evidence-weighs.md",
                    "explanation/what-it-will-not-do.md", "explanation/when-aws-is-down.md", "explanation/*",
                    "architecture.md", "running.md", "neighbours.md", "diagnosis.md", "isolation.md",
                    "foreign-changes.md", "security.md", "hostile-input.md", "own-health.md", "faults.md"),
    "Examples": ("examples/resolved.md", "examples/*.md"),
    "Project": ("changelog.md", "contributing.md", "weakness.md"),
}
"""Part to pages, in order; a pattern takes what no other entry names. What is placed nowhere ends Reference."""
_AROUND = {"README.md": "index.md", "CHANGELOG.md": "changelog.md", "CONTRIBUTING.md": "contributing.md",
           "SECURITY.md": "weakness.md"}
"""Pages outside of ``docs`` to their names on the site."""
_NAMED = re.compile(r"(?<!`)`(docs/[\w/.-]+\.md|README\.md|CHANGELOG\.md|CONTRIBUTING\.md|SECURITY\.md)`(?!`)")
_FENCE = re.compile(r"^(```|~~~)", re.MULTILINE)
_FOREIGN = re.compile(r"<(?:script|img|iframe|source|video|audio|embed)\b[^>]*?\bsrc=[\"']?(?:https?:)?//([^/\"' >]+)|"
                      r"<link\b(?=[^>]*\brel=[\"']?(?:stylesheet|preload|icon|preconnect))[^>]*?\bhref=[\"']?"
                      r"(?:https?:)?//([^/\"' >]+)|@import\s+(?:url\()?[\"']?(?:https?:)?//([^/\"' )]+)|"
                      r"url\([\"']?(?:https?:)?//([^/\"' )]+)", re.IGNORECASE)


def main() -> None:
    """Build the site."""
    shutil.rmtree(SOURCE, ignore_errors=True)
    shutil.rmtree(SITE, ignore_errors=True)
    pages = copied(SOURCE / "docs")
    (SOURCE / "zensical.toml").write_text(configuration(navigation(pages)), encoding="utf-8")
    done = subprocess.run([str(BUILDER), "build", "--clean", "--strict"], cwd=SOURCE, check=False,
                          capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"the site was not built:\n{done.stdout}{done.stderr}")
    shutil.move(SOURCE / "site", SITE)
    found = sorted({f"{path.relative_to(SITE)}: {host}" for path in SITE.rglob("*") if path.suffix in (".html", ".css")
                    for host in foreign_hosts(path.read_text(encoding="utf-8"))})
    if found:
        sys.exit("the site would load from foreign hosts:\n" + "\n".join(found))
    sys.stdout.write(f"{len(pages)} pages; open {SITE.relative_to(ROOT)}/index.html\n")


def copied(target: Path) -> dict[str, str]:
    """Copy and generate all pages below ``target``; returns each page's name to its title."""
    # In docs/examples, messages and records are no pages; the reports as HTML are linked.
    shutil.copytree(ROOT / "docs", target, ignore=shutil.ignore_patterns("messages", "*.json.gz"))
    for path, name in _AROUND.items():
        if (ROOT / path).exists():
            shutil.copy(ROOT / path, target / name)
    (target / "reference").mkdir(exist_ok=True)
    (target / "reference" / "commands.md").write_text(commands(), encoding="utf-8")
    (target / "reference" / "records.md").write_text(records(), encoding="utf-8")
    pages = {str(path.relative_to(target)): path.read_text(encoding="utf-8") for path in sorted(target.rglob("*.md"))}
    titles = {name: title(text) or name for name, text in pages.items()}
    for name, text in pages.items():
        if "```mermaid" in text:
            text += f'\n<script src="{"../" * name.count("/")}mermaid.min.js"></script>\n'
        (target / name).write_text(linked(text, name, titles), encoding="utf-8")
    (target / "mermaid.min.js").write_bytes(mermaid(ROOT / ".build"))
    (target / "site.css").write_text(_CSS, encoding="utf-8")
    return titles


def title(text: str) -> str:
    """Return a page's first heading, without marks of code; empty where it has none."""
    found = re.search(r"^# (.+)$", text, re.MULTILINE)
    return found[1].replace("`", "").strip() if found else ""


def linked(text: str, here: str, titles: Mapping[str, str]) -> str:
    """Return a page with links in place of the names of other pages; blocks of code stay as they are.

    ``here`` is the page's own name. A name of a page that is not there stays code, and is no broken link: a test of the
    repository holds the names (``tests/unit/house``).
    """
    up = "../" * here.count("/")

    def link(found: re.Match[str]) -> str:
        name = _AROUND.get(found[1], found[1].removeprefix("docs/"))
        return f"[{titles[name]}]({up}{name})" if name in titles and name != here else found[0]

    parts = re.split(r"(^(?:```|~~~).*?^(?:```|~~~)[ ]*$)", text, flags=re.MULTILINE | re.DOTALL)
    return "".join(part if _FENCE.match(part) else _NAMED.sub(link, part) for part in parts)


def navigation(titles: Mapping[str, str]) -> dict[str, list[str]]:
    """Return part to pages: each page once, as ``NAVIGATION`` says."""
    exact = {name for entries in NAVIGATION.values() for name in entries if not name.endswith(("*", "*.md"))}
    left = [name for name in titles if name != "index.md"]
    found: dict[str, list[str]] = {}
    for part, entries in NAVIGATION.items():
        found[part] = []
        for entry in entries:
            taken = [name for name in left if name == entry or (
                "*" in entry and name not in exact and name.startswith(entry.partition("*")[0]))]
            found[part] += taken
            left = [name for name in left if name not in taken]
    found["Reference"] += left
    return {part: names for part, names in found.items() if names}


def configuration(parts: Mapping[str, Sequence[str]]) -> str:
    """Return the builder's configuration (Zensical's pages "Basics", "Navigation", "Validation")."""
    nav = [{"Start": "index.md"}, *({part: list(names)} for part, names in parts.items())]
    rows = ",\n  ".join(f"{{{json.dumps(part)} = {json.dumps(names)}}}"
                        for entry in nav for part, names in entry.items())
    return _CONFIGURATION.format(nav=rows)


_CONFIGURATION = """[project]
site_name = "Incident responder"
site_description = "A deterministic incident responder for payment services on AWS"
docs_dir = "docs"
site_dir = "site"
use_directory_urls = false
extra_css = ["site.css"]
nav = [
  {nav}
]

[project.theme]
font = false
features = ["navigation.tabs", "navigation.sections", "navigation.top", "navigation.indexes", "toc.follow",
  "content.code.copy", "search.highlight"]

[[project.theme.palette]]
media = "(prefers-color-scheme: light)"
scheme = "default"
toggle.icon = "lucide/sun"
toggle.name = "Dark"

[[project.theme.palette]]
media = "(prefers-color-scheme: dark)"
scheme = "slate"
toggle.icon = "lucide/moon"
toggle.name = "Light"

[project.extra]
generator = false

[project.validation]
invalid_links = true
invalid_link_anchors = true

[project.markdown_extensions.tables]
[project.markdown_extensions.admonition]
[project.markdown_extensions.attr_list]
[project.markdown_extensions.md_in_html]
[project.markdown_extensions.toc]
permalink = true
[project.markdown_extensions.pymdownx.highlight]
[project.markdown_extensions.pymdownx.tasklist]
[project.markdown_extensions.pymdownx.superfences]
custom_fences = [{{name = "mermaid", class = "mermaid", format = "pymdownx.superfences.fence_code_format"}}]
"""

_CSS = """/* What a row is about stays on one line; a wide table scrolls by itself on a phone. */
.md-typeset table:not([class]) { font-size: .68rem; }
.md-typeset td:first-child code { white-space: nowrap; word-break: normal; overflow-wrap: normal; }
.md-typeset td:not(:first-child) code { word-break: normal; overflow-wrap: anywhere; }
.md-typeset td:not(:first-child) { min-width: 9rem; }
"""


def foreign_hosts(text: str) -> Iterator[str]:
    """Yield the hosts from which a page, or a style sheet, would load something; links for people are none."""
    for found in _FOREIGN.finditer(text):
        yield next(group for group in found.groups() if group)


def commands() -> str:
    """Return the page of ``responder``'s commands, from the program itself."""
    from typer.cli import get_docs_for_click
    from typer.main import get_command

    from cli.app import built

    program = get_command(built())
    text = get_docs_for_click(obj=program, ctx=program.make_context("responder", [], resilient_parsing=True),
                              name="responder", title="Commands")
    for command in getattr(program, "commands", {}).values():
        # The list has the first words of each; the page has room for the sentence.
        row = f"* `{command.name}`: {' '.join((command.help or '').split(chr(10) * 2)[0].split())}"
        text = re.sub(rf"^\* `{re.escape(str(command.name))}`: .*$", row.replace("\\", "\\\\"), text, count=1,
                      flags=re.MULTILINE)
    return text.replace("<", "&lt;").replace("&lt;br", "<br")


def records() -> str:
    """Return the page of what is on record, from the modules that write it."""
    folder = ROOT / "lambdas" / "responder" / "records"
    parts = ["# Records\n\nGenerated from `lambdas/responder/records`: what the table holds, and who writes it. "
             "`docs/upgrades.md` says how records of older versions are read.\n"]
    for name in ("table", "incidents", "timeline", "remedies", "leases", "tasks", "deliveries", "ledger", "history"):
        said = ast.get_docstring(ast.parse((folder / f"{name}.py").read_text(encoding="utf-8"))) or ""
        parts.append(f"## `{name}`\n\n{said.replace('``', '`')}\n")
    return "\n".join(parts)


def mermaid(build: Path) -> bytes:
    """Return mermaid's script, fetched from npm once and checked by its digest."""
    kept = build / f"{MERMAID.replace('@', '-')}.tgz"
    if not kept.exists():
        build.mkdir(exist_ok=True)
        subprocess.run(["npm", "pack", MERMAID, "--silent", "--pack-destination", str(build)], check=True,
                       stdout=subprocess.DEVNULL)
    if base64.b64encode(hashlib.sha512(kept.read_bytes()).digest()).decode() != _MERMAID_DIGEST:
        kept.unlink()
        sys.exit(f"{MERMAID}: npm gave another archive than the one that was chosen; nothing was built")
    with tarfile.open(kept) as archive:
        script = archive.extractfile("package/dist/mermaid.min.js")
        if script is None:
            sys.exit(f"{MERMAID}: the archive has no dist/mermaid.min.js")
        return script.read()


if __name__ == "__main__":
    main()
