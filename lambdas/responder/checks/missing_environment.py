"""A workload says that it needs an environment variable, and its containers are given none of that name.

Spring's placeholders, Node.js', Python's, Go's, Ruby's and shells' ways to say it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from responder.checks import Check, Found
from responder.state import State
from responder.state.sayings import sayings, serves_nobody
from responder.state.variables import given_names

_NAME = r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+"
_LACKS = r"(?:is |was )?(?:not set|must be set|required|not defined|missing|unset|not provided|not found|undefined)"
_SAID = tuple(map(re.compile, (
    rf"(?i:env(?:ironment)?[ _]?(?:var(?:iable)?s?)?)\W{{1,4}}({_NAME})\W+{_LACKS}",
    rf"({_NAME})\W{{1,4}}(?:(?i:environment variable|env var|variable) )?{_LACKS}",
    rf"(?i:missing (?:required )?(?:env\w*|config\w*|setting)[ \w]*)\W{{1,4}}({_NAME})",
    r"Could not resolve placeholder '([\w.\-]+)'", rf"KeyError: ['\"]({_NAME})", rf"key not found: \"({_NAME})\"",
    rf"parameter null or not set: ({_NAME})")))
_GRAVE = re.compile(r"must|required|fatal|panic|error|exception|fail|placeholder|not found", re.IGNORECASE)
"""A program that goes on with a default of its own says so more calmly."""


def find(state: State) -> Iterator[Found]:
    """Yield workloads that miss a variable."""
    told = set()
    for one in (found for pattern in _SAID for found in sayings(state, pattern)):
        name = next((match[1] for pattern in _SAID if (match := pattern.search(one.text))), "")
        has = given_names(state, one.owner)
        plain = re.sub(r"[.\-]", "_", name).upper()
        grave = bool(_GRAVE.search(one.text)) or serves_nobody(state, one.owner)
        if has is None or plain in has or not grave or (one.owner, plain) in told:
            continue
        told.add((one.owner, plain))
        owner = one.owner
        yield Found(str(owner), f"{owner} needs {name} in its environment, and is given none",
                    "stops" if serves_nobody(state, owner) else "lessens", "said", (owner.name,), one.text,
                    f"give the containers of {owner} the variable {name}")


CHECK = Check(id="missing_environment", family="runtime", sign="definition", find=find,
              follows=("missing_config", "missing_secret_binding"))
