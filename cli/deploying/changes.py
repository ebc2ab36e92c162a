"""What a deployment would change of how the responder acts, in words: modes, policies, remedies, sources, services.

The CDK's own diff shows resources and rights; this is what they are for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from responder.model.codec import encode
from responder.model.service import Service
from stacks.deployed import differences
from stacks.used import used_actions, used_sources

_MODES = ("observe", "approve", "auto")
_POLICIES = ("off", "approve", "auto")


def changes(before: Mapping[str, Service], after: Mapping[str, Service]) -> Iterator[str]:
    """Yield what would change, by service; nothing where nothing does."""
    for name in sorted({*before, *after}):
        was, wanted = before.get(name), after.get(name)
        if was is None and wanted is not None:
            yield (f"{name}: new, in mode {wanted.mode}, with {len(used_actions([wanted]))} remedies and "
                   f"{len(used_sources([wanted]))} sources")
        elif wanted is None and was is not None:
            yield f"{name}: REMOVED: nothing watches it any more"
        elif was is not None and wanted is not None:
            yield from _changed(name, was, wanted)


def _changed(name: str, was: Service, wanted: Service) -> Iterator[str]:
    if was.mode != wanted.mode:
        yield f"{name}: mode {was.mode} → {wanted.mode}{_more(_MODES, was.mode, wanted.mode)}"
    for action in sorted({*was.policy, *wanted.policy}):
        before, after = was.policy.get(action, "off"), wanted.policy.get(action, "off")
        if before != after:
            yield f"{name}: policy of {action} {before} → {after}{_more(_POLICIES, before, after)}"
    yield from _parts(name, "remedy", {one.name for one in used_actions([was])},
                      {one.name for one in used_actions([wanted])})
    yield from _parts(name, "source", {one.name for one in used_sources([was])},
                      {one.name for one in used_sources([wanted])})
    rest = [path for path, *_ in differences(encode(was), encode(wanted))
            if path != "mode" and not path.startswith("policy.")]
    if rest:
        yield f"{name}: {len(rest)} further fields: {', '.join(rest[:8])}{'…' if len(rest) > 8 else ''}"


def _parts(name: str, kind: str, before: set[str], after: set[str]) -> Iterator[str]:
    for part in sorted(after - before):
        yield f"{name}: {kind} {part} is added, with a function and rights of its own"
    for part in sorted(before - after):
        yield f"{name}: {kind} {part} is taken away, with its function and rights"


def _more(order: tuple[str, ...], before: str, after: str) -> str:
    return "  (it may do MORE without asking)" if order.index(after) > order.index(before) else ""
