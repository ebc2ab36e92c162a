"""What a change could do: how likely its lines alter how a service behaves, and what it is about.

Each kind of edit has a share from 0 (it cannot do anything) to 1 (it changes what every request meets). The shares are
argued from what such edits do, not fitted: a removed step or guard is missed at once, a changed setting does as much as
it changes, new code that nobody calls does nothing, and a document never does.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from responder.model.foreign_change import ForeignChange
from responder.model.frozen import dataclass
from responder.plan import wording
from responder.plan.change_files import FileKind, kind_of_file
from responder.plan.change_lines import Delta, Pair, delta, differing, left, tokens
from responder.plan.change_topics import topics

_OBSERVED = re.compile(
    r"\b(?:log|logs|logger|logging|slog|console|print|println|printf|zap|winston|prometheus|metrics?|statsd|span"
    r"|tracer|otel"
    r"|histogram|counter|gauge|setattributes|attribute|meter|sentry)\b[\w.]*\s*[.(]|\bcache_?hits?\b\s*=\s*prom"
    r"|\blogg(?:er|ing)\s*=|\bbuckets\s*:|\bhelp:\s*\"", re.IGNORECASE)
_ERROR_TEXT = re.compile(
    r"http\.Error\(|errors\.New\(|fmt\.Errorf\(|\bwriteError\(|\.status\(\d+\)|\bthrow\s+new\b|\braise\s+\w"
    r"|\bErr\w*\s*=\s*"
    r"(?:errors|\")|\bpanic\(\"|\bfail\(\"|errorMessage|error_message|\{\s*\"?error\"?\s*:", re.IGNORECASE)
_SHOWN_TEXT = re.compile(r"className|<\w+[ >]|</\w+>|\bstyle\b|\blabel\b|placeholder|aria-|\btooltip\b|\bt\(['\"]|"
                         r"\b(?:description|summary|comment|title|subject|doc)\s*[:=]", re.IGNORECASE)
_DECLARES = re.compile(r"^\s*(?:export\s+|public\s+|private\s+|protected\s+|static\s+|async\s+|pub\s+|final\s+"
                       r"|override\s+)*"
                       r"(?:func|def|class|function|fn|interface|type|struct|enum|const|var|val|let|module|record)\b"
                       r"|^[\w<>\[\], ]+\s\w+\([^)]*\)\s*\{$")
_GUARD = re.compile(r"^\s*(?:\}?\s*(?:if|unless|elif|else|guard|when|assert|require)\b|return\b|continue\b|break\b"
                    r"|throw\b|raise\b"
                    r"|[})\]]+;?$)|==\s*(?:nil|null|None)|is\s+None")
_CONDITION = re.compile(r"^\s*(?:\}?\s*(?:if|unless|elif|else if|while|guard|assert|when)\b)|\?\?|\?\.|\|\||&&"
                        r"|\bor\b|\band\b"
                        r"|\borElse\b|getOrDefault|\.get\(\w+,\s*\w+\)|\btry\b|\bcatch\b|\bexcept\b|\brescue\b"
                        r"|\brecover\(")
_RELEASE = re.compile(r"\bdefer\b|\bfinally\b|\.(?:close|release|unlock|rollback|dispose|cancel|stop|shutdown"
                      r"|removeListener"
                      r"|off|unsubscribe|evict|delete|clear|remove)\w*\(|\bwith\s+\w|\btry\s*\(|\busing\b"
                      r"|\bmaximumSize\b"
                      r"|\bexpireAfter\w*|\bmax_?size\b|\bTemporaryDirectory\b|\bNamedTemporaryFile\b|\bctx\.Done\("
                      r"|<-\s*(?:done|stop|quit)\b|\bcancel(?:lation)?\b"
                      r"|AbortSignal|\bWithTimeout\b|\bCircuitBreaker\b|\bRateLimiter\b|\bSemaphore\b", re.IGNORECASE)
_QUERY_CLAUSE = re.compile(r"\b(?:LIMIT|WHERE|FORCE INDEX|USE INDEX)\b|\.(?:limit|select_related|prefetch_related"
                           r"|includes"
                           r"|joinedload|selectinload|eager_load|preload|take|page|paginate|first|batch)\("
                           r"|@(?:Index|BatchSize)")
_DDL = re.compile(r"^\s*(?:DROP|ALTER|RENAME|TRUNCATE|DELETE|UPDATE|REVOKE|GRANT"
                  r"|CREATE\s+(?:UNIQUE\s+)?INDEX(?!\s+CONCURRENTLY)"
                  r"|LOCK|REINDEX|VACUUM\s+FULL)\b|\b(?:drop_index|remove_index|drop_column|remove_column|rename_column"
                  r"|RemoveField|RenameField|AlterField|add_index|alter_column|op\.drop_\w+"
                  r"|op\.alter_\w+)\b", re.IGNORECASE)
_CALL = re.compile(r"([A-Za-z_$][\w$]*)\s*\(")
_LOOP = re.compile(r"\b(?:for|while|forEach|each|map|range)\b")
_STATEMENT = re.compile(r"^\s*(?:for|while|foreach)\b|\.forEach\(")
_ASKS = re.compile(r"\bawait\b|\.(?:get|find|query|fetch|load|call|send|exec|select|request|put|post)\w*\(",
                   re.IGNORECASE)
_BUILT_IN = frozenset({
    "if", "for", "while", "switch", "catch", "func", "def", "function", "return", "len", "make", "append", "string",
    "int", "print", "println", "printf", "sizeof", "typeof", "super", "range", "new", "map", "set", "list", "dict",
    "tuple", "str", "bool", "float", "isinstance", "require", "import", "err", "error"})
_NUMBER = re.compile(r"^(\d+(?:\.\d+)?)(ms|us|ns|s|m|h|d|[kKMGT]i?[bB]?)?$")
_UNITS = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0, "h": 3600.0, "d": 86400.0,
          "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12,
          "Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30, "Ti": 2.0**40}
_GO_UNITS = {"Nanosecond": 1e-9, "Microsecond": 1e-6, "Millisecond": 1e-3, "Second": 1.0,
             "Minute": 60.0, "Hour": 3600.0,
             "milliseconds": 1e-3, "seconds": 1.0, "minutes": 60.0, "hours": 3600.0, "days": 86400.0}
_LABELS = re.compile(r"(?:withlabelvalues|labelnames|labels?|tags?)\W.*(?:user|request|session|trace|order"
                     r"|customer|tenant|"
                     r"account|client|email|url|path)_?(?:id)?\b", re.IGNORECASE)
"""A measure that is kept for each of many values."""
_SWITCHES = ({"true", "false"}, {"on", "off"}, {"yes", "no"}, {"enabled", "disabled"})
_MOST_NAMES = 4
"""Where more names differ, a line was written anew: a helper's call in the place of what it does, most often."""
_BRINGS = (("bounds or releases", "pool memory files lock disk", 0.9), ("lost a clause", "query", 1.0),
           ("a guard is gone", "null", 0.7), ("a condition changed", "null", 0.5), ("no longer called", "missing", 0.8),
           ("no longer there", "missing", 0.8), ("what the database holds", "query format lock", 0.9),
           ("what has many values", "memory", 1.0), ("calls in a loop", "query load", 0.9))
"""Kinds of edits to what they are about, whatever the names in them."""
_EXPRESSION = re.compile(r"\.\*|\\[dsw]|\(\?[:=!]|\]\+|\)\+|\)\*")
_HARMLESS_TITLE = re.compile(
    r"\b(?:docs?|readme|typos?|tests?|style|fmt|gofmt|format(?:ting)?|lint|ci|codeowners|comments?|imports|golden"
    r"|fuzz|runbook"
    r"|wording|colou?rs?|palette|tooltip|css|restyle|coverage|changelog|license|dashboards?"
    r"|screenshots?)\b", re.IGNORECASE)
_LOWER_HURTS = re.compile(r"max|pool|limit|size|replica|memory|cpu|capacity|timeout|deadline|ttl|quota|rate|burst"
                          r"|workers?|threads?"
                          r"|buffer|conns|connections|concurrency|leeway|expire|heap|xmx|min", re.IGNORECASE)
_EITHER_HURTS = re.compile(r"interval|period|delay|backoff|window|threshold", re.IGNORECASE)
_HIGHER_HURTS = re.compile(r"retr(?:y|ies)|attempts|batch|records|poll|prefetch|sampl|verbos|rounds|cost|fan_?out"
                           r"|page_?size"
                           r"|per_?page|concurrency|parallel", re.IGNORECASE)


@dataclass(frozen=True)
class Effect:
    """What a change could do."""

    share: float
    """How readily it alters behaviour, 0 to 1."""
    why: str
    """In words: what of it could."""
    topics: dict[str, float]
    """What it is about, each 0 to 1."""
    words: frozenset[str]
    """Names and texts that it took away, brought in or changed."""
    around: frozenset[str]
    """Names and texts of the lines around, its files and its title."""
    values: tuple[tuple[str, str], ...] = ()
    """Settings that changed: each value before and after."""
    known: bool = True
    """Whether its lines are known."""
    slow: bool = False
    """Whether its effect may take its time: what leaks or grows, what runs by schedule, what expires."""


def effect_of(change: ForeignChange) -> Effect:
    """Return what a change could do, by its lines where they are known, else by its files and its title."""
    kinds = {kind_of_file(path) for path in change.files}
    if change.files and kinds == {FileKind.INERT}:
        return _told(change, Delta(), 0.0, "it changes no file that runs")
    if change.kind == "flag":
        return _told(change, Delta(), 0.5, "a flag switches code on or off")
    if not change.diff:
        return _without_lines(change, kinds)
    real = delta(change.diff, change.files)
    share, why = max(_edits(real, change), default=(0.03, "nothing that runs is left of it"))
    return _told(change, real, share, why)


def _without_lines(change: ForeignChange, kinds: set[FileKind]) -> Effect:
    if _HARMLESS_TITLE.search(change.title):
        return _told(change, Delta(), 0.03, "its title tells of nothing that runs")
    if kinds and kinds <= {FileKind.DEPENDENCY, FileKind.INERT}:
        return _told(change, Delta(), 0.15, "it changes dependencies")
    if kinds and kinds <= {FileKind.TEXT, FileKind.INERT}:
        return _told(change, Delta(), 0.03, "it changes texts that people read")
    return _told(change, Delta(), 0.3, "its lines are not known")


def _edits(real: Delta, change: ForeignChange) -> Iterator[tuple[float, str]]:
    """Yield what each edit could do."""
    if not real.lines:
        return
    if real.kinds <= {FileKind.DEPENDENCY}:
        yield _of_dependencies(real), "it changes versions of dependencies"
        return
    if real.kinds <= {FileKind.TEXT}:
        yield 0.03, "it changes texts that people read"
        return
    moved = _only_moved(real)
    for pair in real.pairs:
        yield _of_pair(pair, moved)
    yield from _of_removed(real, moved)
    yield from _of_added(real, change, moved)


def _of_dependencies(real: Delta) -> float:
    """By how far the version went: a patch seldom does anything, another major version often does."""
    most = 0.1
    for pair in real.pairs:
        versions = [re.findall(r"\d+(?:\.\d+)+|(?<=v)\d+", side) for side in (pair.before, pair.after)]
        for before, after in zip(*versions, strict=False):
            old, new = before.split("."), after.split(".")
            if old[0] != new[0]:
                most = max(most, 0.5)
            elif old[1:2] != new[1:2]:
                most = max(most, 0.3 if old[0] == "0" else 0.2)
    return most


def _only_moved(real: Delta) -> bool:
    """Whether all that it took away is there again: no name, text or number is lost."""
    return bool(real.added or real.pairs) and not any(re.search(r"\w", token) for token in real.lost) and (
        len(real.added) + len(real.pairs) > len(real.removed))


def _quiet(line: str) -> bool:
    """Whether a line only tells: of the log, of measures, of an error's text, of what people read."""
    told = "(" in line and _OBSERVED.search(line) and not _LABELS.search(line)
    return bool(told or _ERROR_TEXT.search(line) or _SHOWN_TEXT.search(line))


def _of_pair(pair: Pair, moved: bool) -> tuple[float, str]:
    went, came = differing(pair)
    if _RELEASE.search(pair.before) and not _RELEASE.search(pair.after):
        return 0.9, "it no longer bounds or releases what it takes"
    if _QUERY_CLAUSE.search(pair.before) and not _QUERY_CLAUSE.search(pair.after):
        return 0.9, "a query lost a clause"
    if _quiet(pair.before) and _quiet(pair.after) and not (
            _numbers(went) and _numbers(came) and _numbers(went) != _numbers(came)):
        return 0.06, "it changes what is told alone"
    value = settings(pair)
    if value is not None:
        return _of_value(pair, *value)
    if not any(re.search(r"\w", token) for token in (*went, *came)):
        spaces = set(went) | set(came) <= set("()[]{},;&*")
        return (0.1, "it changes punctuation") if spaces else (0.8, "an operator changed")
    return _of_step(pair, went, came, moved)


def _of_step(pair: Pair, went: list[str], came: list[str], moved: bool) -> tuple[float, str]:
    """Say what a line of code that became another one could do."""
    if Counter(tokens(pair.before)) == Counter(tokens(pair.after)):
        return 0.75, "it takes the same things in another order"
    if went and not came and not moved and left(pair.before) == left(pair.after):
        return 0.75, "a part of a step is gone"
    if moved and (went or not came):
        return 0.15, "it moves code"
    texts = [token for token in (*went, *came) if token[:1] in "\"'`["]
    names = [token for token in (*went, *came) if re.match(r"[A-Za-z_$]", token)]
    if texts and len(names) <= len(texts):
        return 0.75 if any(token in went for token in texts) else 0.5, "a name or text in use changed"
    if _LABELS.search(pair.after) and not _LABELS.search(pair.before):
        return 0.7, "it counts by what has many values"
    if left(pair.before) != left(pair.after) and len(names) > _MOST_NAMES:
        return 0.45, "code was written anew"
    if _CONDITION.search(pair.before) or _LOOP.search(pair.before):
        return 0.75, "a condition changed"
    return 0.6, "a step works differently"


def _numbers(items: Iterable[str]) -> frozenset[str]:
    return frozenset(item for item in items if item[:1].isdigit())


def settings(pair: Pair) -> tuple[str, str] | None:
    """Return the value before and after, where a pair of lines differs in one plain value alone."""
    went, came = differing(pair)
    literal = re.compile(r"^(?:\d.*|\"[^\"]*\"|'[^']*'|true|false|True|False|TRUE|FALSE|on|off|yes|no|nil|null|None)$")
    units = {*_GO_UNITS, "."}
    one, other = ([token for token in side if token not in units] for side in (went, came))
    if len(one) <= 1 and len(other) <= 1 and (one or other):
        if all(literal.match(token) for token in (*one, *other)):
            return _written(pair.before, went), _written(pair.after, came)
        bare = re.match(r"^\s*(?:-\s+)?[\"']?[\w.$-]+[\"']?\s*[:=]\s*([^\s{(\[]+)[,;]?$", pair.before)
        now = re.match(r"^\s*(?:-\s+)?[\"']?[\w.$-]+[\"']?\s*[:=]\s*([^\s{(\[]+)[,;]?$", pair.after)
        if bare and now and bare[0].split(bare[1])[0] == now[0].split(now[1])[0]:
            return bare[1].strip("\"',;"), now[1].strip("\"',;")
    bare, now = (re.match(r"^\s*(?:-\s+)?[\"']?([\w.$-]+)[\"']?\s*[:=]\s*[\"']?([\w.:/-]+)[\"']?[,;]?$", side)
                 for side in (pair.before, pair.after))
    return (bare[2], now[2]) if bare and now and bare[1] == now[1] else None


def _written(line: str, differ: Iterable[str]) -> str:
    """Return the number of a line with its unit in words, as Go and Java write durations; else what differs."""
    number = re.search(r"(\d+(?:\.\d+)?)\s*\*\s*(?:time\.)?(\w+)|Duration\.of(\w+)\((\d+)"
                       r"|\b(?:time\.)(\w+)\s*,?$", line)
    if number:
        value, unit = (number[1] or number[4] or "1"), number[2] or (number[3] or number[5] or "").removeprefix("of")
        size = _GO_UNITS.get(unit) or _GO_UNITS.get(unit.lower())
        if size:
            return f"{wording.exact(float(value) * size)}s"
    return next(iter(token.strip("\"'") for token in differ), "")


def amount(value: str) -> float | None:
    """Return a written value in its basic unit (seconds, bytes, one); None where it is no number."""
    match = _NUMBER.match(value.strip("\"'").replace("_", ""))
    if not match:
        return None
    unit = (match[2] or "").removesuffix("b").removesuffix("B")
    number = float(match[1])
    if match[2] == "m":
        return number / 1000 if number > 60 else number * 60  # Kubernetes' thousandths of a CPU, else minutes.
    return number * _UNITS.get(unit, 1.0)


def _of_value(pair: Pair, before: str, after: str) -> tuple[float, str]:
    old, new = amount(before), amount(after)
    said = f"{before} became {after}"
    if old is None or new is None:
        return 0.85 if {before.lower(), after.lower()} in _SWITCHES else 0.75, said
    if old == new:
        return 0.05, "it writes the same value otherwise"
    times = math.inf if min(old, new) <= 0 else max(old, new) / min(old, new)
    share = min(1.0, 0.2 + 0.5 * math.log(times, 3)) if math.isfinite(times) else 0.9
    lowers, raises = (pattern.search(pair.before) for pattern in (_LOWER_HURTS, _HIGHER_HURTS))
    if _EITHER_HURTS.search(pair.before):
        return share, said
    if (new > old and lowers and not raises) or (new < old and raises and not lowers):
        share *= 0.45
    return share, said


def _of_removed(real: Delta, moved: bool) -> Iterator[tuple[float, str]]:
    for line in real.removed:
        if _QUERY_CLAUSE.search(line) and not any(_QUERY_CLAUSE.search(other) for other in real.added):
            yield 0.9, "a query lost a clause"
        elif _quiet(line):
            yield 0.06, "it changes what is told alone"
        elif moved:
            yield 0.12, "it moves code"
        elif _RELEASE.search(line) and not any(_RELEASE.search(other) for other in real.added):
            yield 0.9, "it no longer bounds or releases what it takes"
        elif _CONDITION.search(line) and not any(_CONDITION.search(other) for other in real.added):
            yield 0.85, "a guard is gone"
        else:
            calls = [name for name in _CALL.findall(line) if name in real.lost and name not in _BUILT_IN]
            if not real.added and not real.pairs:
                yield (0.85, f"{calls[0]} is no longer called") if calls else (0.8, "something is no longer there")
            elif calls and not real.added:
                yield 0.85, f"{calls[0]} is no longer called"
            elif any(re.search(r"\w", token) for token in tokens(line) if token in real.lost):
                yield 0.35, "code was written anew"
            else:
                yield 0.12, "it moves code"


def _of_added(real: Delta, change: ForeignChange, moved: bool) -> Iterator[tuple[float, str]]:
    inside = False
    alone = not real.removed and not real.pairs
    now = [*real.added, *(pair.after for pair in real.pairs)]
    before = [*real.removed, *real.context, *(pair.before for pair in real.pairs)]
    if _calls_in_loop(now) and not any(_STATEMENT.search(line) for line in before):
        yield 0.8, "it calls in a loop"
    for line in real.added:
        if (_DDL.search(line) and FileKind.SCHEMA in real.kinds) or re.match(r"^\s*(?:DROP|ALTER)\s", line):
            yield 0.9, "it changes what the database holds"
            continue
        declares = bool(_DECLARES.search(line))
        inside = (inside or declares) and not (inside and line in ("}", "end", "};"))
        if _LABELS.search(line):
            yield 0.5, "it counts by what has many values"
        elif _quiet(line):
            yield 0.06, "it tells more"
        elif declares or inside:
            yield 0.15, "it adds code that nothing is shown to call"
        elif moved:
            yield 0.12, "it moves code"
        elif _RELEASE.search(line):
            yield 0.12, "it bounds or releases what it takes"
        elif _GUARD.search(line):
            yield 0.2, "it adds a guard"
        elif FileKind.CONFIGURATION in real.kinds and alone:
            yield 0.5, "it adds a setting"
        elif not alone:
            yield 0.35, "code was written anew"
        else:
            yield (0.6 if _LOOP.search(" ".join(real.context)) else 0.4), "it adds a step"


def _calls_in_loop(lines: Sequence[str]) -> bool:
    """Whether a loop that came holds a call of something else."""
    return any(map(_STATEMENT.search, lines)) and any(map(_ASKS.search, lines))


def _told(change: ForeignChange, real: Delta, share: float, why: str) -> Effect:
    changed = [*(" ".join(side) for pair in real.pairs for side in differing(pair)),
               *real.removed, *real.added]
    keys = [side for pair in real.pairs for side in (pair.before, pair.after)]
    around = [change.title, *change.files, change.id if change.kind == "flag" else "", *real.context]
    flag = 0.9 if change.kind == "flag" else 0.5
    about = topics([*((text, 1.0) for text in changed), *((text, 0.9) for text in keys),
                    *((text, flag) for text in around[:-len(real.context)] if text),
                    *((text, 0.4) for text in real.context)]
                   if real.context else [*((text, 1.0) for text in changed), *((text, 0.9) for text in keys),
                                         *((text, flag if real.lines else 0.8) for text in around if text)])
    for kind, brought, weight in _BRINGS:
        if kind in why:
            about |= {topic: max(weight, about.get(topic, 0.0)) for topic in brought.split()}
    if any(_EXPRESSION.search(text) for text in changed):
        about["cpu"] = 1.0  # A regular expression that tries again and again.
    values = tuple(value for pair in real.pairs if (value := settings(pair)) is not None)
    return Effect(share, why, about, _names([*changed, *keys]), _names(around), values,
                  bool(real.lines or real.kinds), _slow(about, why))


def _names(texts: Iterable[str]) -> frozenset[str]:
    return frozenset(token for text in texts for token in tokens(text) if re.search(r"\w\w\w", token))


def _slow(about: dict[str, float], why: str) -> bool:
    growing = ("memory", "disk", "files", "queue", "time", "pool", "query", "cache")
    return "bounds or releases" in why or any(about.get(topic, 0.0) >= 0.8 for topic in growing)
