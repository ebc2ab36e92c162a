"""What a diff really changes: what is left once moved, reordered, renamed and commented lines are taken out."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

from responder.model.frozen import dataclass
from responder.plan.change_files import FileKind, kind_of_file

_HEADER = re.compile(r"^(?:@@+|\+\+\+|---|diff |index |new file|deleted file|similarity|rename )")
_PATH = re.compile(r"(?:^|[\s\"])(?:[ab]/)?((?:[\w.@+-]+/)*[\w.@+-]+\.\w+|(?:[\w.@+-]+/)+[\w.@+-]+)(?=[\s:,]|$)")
_COMMENT = re.compile(r"^\s*(?://|#(?!include|define|if|endif|\w+\s*\{)|/\*|\*(?:\s|/|$)|<!--|--\s|\"\"\"|'''|;;"
                      r"|%\s|rem\s)")
_TRAILING = re.compile(r"\s+(?://|#|--)\s.*$")
_IMPORT = re.compile(r"^\s*(?:import\b|from\s+\S+\s+import\b|use\s+[\w:]+|using\s+[\w.]+;|package\s+\w|#include\b"
                     r"|require\("
                     r"|\"[\w./-]+\"$|const\s+[\w{} ,]+=\s*require\()")
TOKEN = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|`[^`]*`|\[\[.*?\]\]|\d+(?:\.\d+)?\s?(?:ms|us|ns"
                   r"|[smhdkKMGT]i?[bB]?)?\b"
                   r"|[A-Za-z_$][\w$]*|[^\sA-Za-z_0-9]")
"""A string, a number with its unit, a name, or one other character."""
_NAME = re.compile(r"[A-Za-z_$][\w$]*$")
_ALIKE, _SAME_NAME = 0.5, 0.3


@dataclass(frozen=True)
class Pair:
    """A line that became another one."""

    before: str
    after: str


@dataclass(frozen=True)
class Delta:
    """What a diff changes."""

    pairs: tuple[Pair, ...] = ()
    removed: tuple[str, ...] = ()
    """Lines that went without another in their place."""
    added: tuple[str, ...] = ()
    context: tuple[str, ...] = ()
    """Lines around the changed ones that stayed."""
    lost: frozenset[str] = frozenset()
    """Tokens that are in no line that came or stayed."""
    kinds: frozenset[FileKind] = frozenset()

    @property
    def lines(self) -> tuple[str, ...]:
        """All lines that are not as they were."""
        return (*self.removed, *self.added, *(side for pair in self.pairs for side in (pair.before, pair.after)))


def tokens(text: str) -> list[str]:
    """Return the tokens of a line of code or configuration."""
    return [match.replace(" ", "") if match[:1].isdigit() else match for match in TOKEN.findall(text)]


def delta(diff: str, files: Sequence[str]) -> Delta:
    """Return what a diff changes; ``files`` are the changed files, for where the diff does not name them."""
    gone: list[str] = []
    come: list[str] = []
    stayed: list[str] = []
    kinds: set[FileKind] = set()
    for sign, line, path in _lines(diff, files):
        kind = kind_of_file(path)
        if kind is FileKind.INERT:
            continue
        kinds.add(kind)
        bare = _TRAILING.sub("", line).strip()
        if sign == " ":
            stayed.append(bare)
        elif bare and not _COMMENT.match(bare) and not _IMPORT.match(bare):
            (gone if sign == "-" else come).append(bare)
    gone, come = _uncancelled(gone, come)
    return _named(gone, come, stayed, frozenset(kinds))


def _lines(diff: str, files: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    """Yield each line's sign, text and file."""
    known = list(files) or ["code"]
    path = known[0]
    for line in diff.splitlines():
        header = _HEADER.match(line)
        if header and not (line.startswith("---") and not line.startswith("--- ")):
            path = next((one for one in known if one in line), path)
            rest = (line.rpartition("@@")[2] if line.count("@@") > 1 else line[2:]).strip()
            if line.startswith("@@") and rest:
                yield " ", rest, path
        elif line[:1] in "-+":
            yield line[:1], line[1:], path
        else:
            yield " ", line, path


def _uncancelled(gone: list[str], come: list[str]) -> tuple[list[str], list[str]]:
    """Take out the lines that only moved, or only changed their spacing or a closing comma."""
    def key(line: str) -> str:
        return re.sub(r"[\s,;]+", "", line)
    there, here = Counter(map(key, gone)), Counter(map(key, come))
    both = there & here

    def rest(lines: list[str]) -> list[str]:
        left, out = Counter(both), []
        for line in lines:
            if left[key(line)] > 0:
                left[key(line)] -= 1
            elif re.search(r"\w", line):
                out.append(line)
        return out
    return rest(gone), rest(come)


def _named(gone: list[str], come: list[str], stayed: list[str], kinds: frozenset[FileKind]) -> Delta:
    pairs: list[Pair] = []
    free, removed = list(come), []
    for line in gone:
        best = max(free, key=lambda other: _pairing(line, other), default=None)
        if best is not None and _pairing(line, best) >= _ALIKE:
            free.remove(best)
            pairs.append(Pair(line, best))
        else:
            removed.append(line)
    pairs = _not_renamed(pairs, stayed)
    was = {token for line in (*removed, *(pair.before for pair in pairs)) for token in tokens(line)}
    now = {token for line in (*free, *(pair.after for pair in pairs)) for token in tokens(line)}
    return Delta(tuple(pairs), tuple(removed), tuple(free), tuple(stayed), frozenset(was - now), kinds)


def left(line: str) -> str:
    """Return what a line assigns to; the line where it assigns nothing."""
    return re.split(r"(?<![=!<>:])[:+]?=(?!=)", line, maxsplit=1)[0].strip()


def _pairing(one: str, other: str) -> float:
    """Return how likely one line became the other, 0 to 1: what is assigned to the same name mostly did."""
    likeness = _likeness(one, other)
    same = left(one) == left(other) != one
    return min(1.0, likeness + _SAME_NAME) if same else likeness


def _likeness(one: str, other: str) -> float:
    a, b = tokens(one), tokens(other)
    return SequenceMatcher(None, a, b, autojunk=False).ratio() if a and b else 0.0


def differing(pair: Pair) -> tuple[list[str], list[str]]:
    """Return the tokens in which the two lines of a pair differ, in order."""
    a, b = tokens(pair.before), tokens(pair.after)
    went, came = [], []
    for tag, start, end, other, last in SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        if tag != "equal":
            went += a[start:end]
            came += b[other:last]
    return went, came


def _not_renamed(pairs: list[Pair], stayed: Sequence[str]) -> list[Pair]:
    """Leave out the pairs that differ by a local name alone, which is the same new name wherever it stood.

    A name of a called function may be another function; a name with a dot before it, of somebody else's object.
    """
    names: dict[str, set[str]] = {}
    plain: list[Pair] = []
    for pair in pairs:
        went, came = differing(pair)
        local = len(went) == len(came) and bool(went) and all(
            _NAME.match(one) and _NAME.match(other) for one, other in zip(went, came, strict=True)) and not any(
            re.search(rf"(?:\.|\b(?:type|limits?|name)\s*[:=]\s*){re.escape(one)}\b", line)
            for one, line in [*((one, pair.before) for one in went), *((one, pair.after) for one in came)])
        if local:
            for one, other in zip(went, came, strict=True):
                names.setdefault(one, set()).add(other)
            plain.append(pair)
    declared = {one for pair in plain for one in differing(pair)[0]
                if re.search(rf"(?:\b(?:var|let|const|def|func|function|val|auto)\s+{re.escape(one)}\b"
                             rf"|^{re.escape(one)}(?:,\s*\w+)*\s*:?=[^=])", pair.before)}
    renamed = {one for one, others in names.items() if len(others) == 1 and one in declared}
    return [pair for pair in pairs if pair not in plain or not set(differing(pair)[0]) <= renamed]
