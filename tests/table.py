"""The timeline table with items as plain dicts, as tests write and compare them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from typing import Any

from responder.model.remedy import JUDGED, OPERANDS, merged, operands
from responder.records.store import KEPT_DAYS
from responder.records.table import Records


class Table(Records):
    """The timeline table; each method is the plain form of the typed one that it names."""

    def propose(self, incident: str, entered: str,
                proposals: Iterable[dict[str, Any]]) -> list[tuple[str, dict[str, Any]]]:
        """See ``keep_proposals``."""
        kept = []
        for number, proposal in enumerate(proposals):
            name = f"{entered}#{number:02d}"
            if not self.put_exact({"pk": f"INCIDENT#{incident}", "sk": f"PROPOSED#{name}", "action": proposal["action"],
                                   "proposal": json.dumps(proposal, allow_nan=False, sort_keys=True)}):
                proposal = self.proposal(incident, name) or proposal
            kept.append((name, proposal))
        return kept

    def proposal(self, incident: str, name: str) -> dict[str, Any] | None:
        """See ``proposed``."""
        item = self.item(f"INCIDENT#{incident}", f"PROPOSED#{name}")
        return dict(json.loads(item["proposal"])) if item else None

    def action(self, incident: str, number: int) -> dict[str, Any] | None:
        """See ``remedy``."""
        item = self.item(f"REMEDY#{incident}", f"ACTION#{number:02d}")
        return merged(item) if item else None

    def plan_action(self, incident: str, number: int, values: dict[str, Any]) -> dict[str, Any]:
        """See ``plan_remedy``."""
        action = str(values["action"])
        shown = {key: value for key, value in values.items() if key not in ("action", "before", "parameters")}
        exact = operands(values.get("before") or {}, values.get("parameters") or {})
        try:
            self._set(f"REMEDY#{incident}", f"ACTION#{number:02d}", {
                **_by(action, shown)}, {f"{action}:{OPERANDS}": exact}, "attribute_not_exists(pk)")
        except self._client.exceptions.ConditionalCheckFailedException:
            pass
        record = self.action(incident, number)
        if record is None:
            raise RuntimeError(f"the plan of remedy {number} of {incident} could not be read back")
        return record

    def set_action(self, incident: str, number: int, action: str, **values: Any) -> None:
        """See ``set_remedy``."""
        self._set(f"REMEDY#{incident}", f"ACTION#{number:02d}", _by(action, values))

    def judge_action(self, incident: str, number: int, **values: Any) -> None:
        """See ``judge_remedy``."""
        self._set(f"REMEDY#{incident}", f"ACTION#{number:02d}", _by(JUDGED, values), {
            "expires": int(time.time()) + KEPT_DAYS * 86400})

    def incident(self, incident: str) -> dict[str, Any] | None:
        """See ``find``."""
        return self.item(f"INCIDENT#{incident}", "INCIDENT")

    def actions(self, incident: str) -> list[dict[str, Any]]:
        """See ``remedies_of``."""
        return [merged(item) for item in self.partition(f"REMEDY#{incident}")]

    def known(self, incident: str) -> list[dict[str, Any]]:
        """See ``load``."""
        return self.partition(f"INCIDENT#{incident}")

    def everything(self, incident: str) -> list[dict[str, Any]]:
        """See ``load``."""
        return sorted((*self.known(incident), *self.actions(incident), *self.partition(f"TIMELINE#{incident}")),
                      key=lambda item: str(item["sk"]))


def _by(writer: str, values: dict[str, Any]) -> dict[str, Any]:
    return {f"{writer}:{name}": value for name, value in values.items()}
