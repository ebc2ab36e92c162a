"""The timeline table: everything that is known of an incident, in partitions by who may write them.

| partition key `pk` | sort key `sk` | what |
|---|---|---|
| `SERVICE#name` | `OPEN` | which incident is open, until when its lease lasts |
| | `LAST` | the incident that was closed last, when, and until when its sources had looked |
| `INCIDENT#id` | `INCIDENT` | the incident: service, outcome, cause, times |
| | `SIGNAL#time#key` | an alarm or a person's start |
| | `EVIDENCE#entered#source` | the findings of one source in one step |
| | `PROPOSED#entered#nn` | a remedy that follows from a diagnosis, with what it must know |
| `TIMELINE#id` | `TIMELINE#entered#nn#step` | what happened, why, by whom: append-only, see ``handlers/timeline.py`` |
| `REMEDY#id` | `ACTION#nn` | a remedy: plan, what was there before, what became of it; see ``model/remedy.py`` |
| `CHANNEL#id` | `CHANNEL#name` | what a channel remembers of the incident, and what it has delivered |
| `TASK#incident` | | what people are asked, see ``records/tasks.py`` |
| `TARGET#what` | `LEASE` | which incident may change a target, until when, with a fencing number |
| `REMEDIES#service` | `incident#nn` | when a remedy was carried out on what |
| `LEDGER#service` | | the change ledger, see ``records/ledger.py`` |
| `HEALTH` | `time#arn` | an AWS Health event as EventBridge brought it |
| `REFUSED#day` | `time#key` | starts that nobody looks after |

Every write is conditional or idempotent, so that a step that runs twice leaves one trace. Times are ISO 8601 in UTC.
IAM holds each function to its partitions by their keys, and each remedy to its own attributes (``stacks/timeline.py``).
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from responder.clients import aws
from responder.model.masking import mask_all
from responder.model.remedy import JUDGED, OPERANDS, merged, operands
from responder.records.form import formed
from responder.records.store import ITEM_CHARACTERS, KEPT_DAYS, Store


def iso(seconds: float) -> str:
    """Return seconds since 1970 as ISO 8601 in UTC, to the millisecond."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def seconds(moment: str) -> float:
    """Return an ISO 8601 time as seconds since 1970."""
    return datetime.fromisoformat(moment).timestamp()


@dataclass(frozen=True)
class Opened:
    """What became of a signal."""

    incident: str
    opened_at: str
    new: bool
    """Whether this very signal opened the incident."""
    again: bool = False
    """Whether it had been closed before."""


class Records(Store):
    """The timeline table, for one function."""

    def __init__(self, table: str, client: Any = None, timeline: str = "") -> None:
        """``timeline`` names the function that alone may write timeline entries; empty: this is it."""
        super().__init__(table, client)
        self._timeline = timeline

    # --- opening and closing --------------------------------------------------------------------------------------

    def open(self, service: str, incident: str, execution: str, opened_at: str, signal: dict[str, Any],
             relapse_seconds: float = 0.0, lease_seconds: float = 1500.0) -> Opened:
        """Open an incident for a service, or attach the signal to the one that is open.

        Of any number of calls at once, one opens. The call that is repeated by the execution that opened gets the
        same answer again. A place whose lease has run out is taken over, with its incident. A signal that arrives
        after its incident was closed, but is from before the sources were last asked, was judged with it and is
        attached to it; a newer one within ``relapse_seconds`` of the closing opens the same incident again.
        """
        now = time.time()
        for _ in range(5):
            last = self._abandoned(service, now) or self.item(f"SERVICE#{service}", "LAST")
            relapsed = last is not None and ("closed_at" not in last
                                             or seconds(last["closed_at"]) + relapse_seconds >= now)
            name = last["incident"] if last and relapsed else incident
            try:
                self._client.transact_write_items(TransactItems=[
                    {"Put": {
                        "TableName": self._table,
                        "Item": formed({"pk": f"SERVICE#{service}", "sk": "OPEN", "incident": name,
                                       "execution": execution, "opened_at": opened_at, "again": relapsed,
                                       "lease_until": now + lease_seconds}),
                        "ConditionExpression": "attribute_not_exists(pk) OR lease_until < :now",
                        "ExpressionAttributeValues": formed({":now": now})}},
                    self._opened_again(name, opened_at) if relapsed else {"Put": {
                        "TableName": self._table,
                        "Item": formed(self._kept({"pk": f"INCIDENT#{name}", "sk": "INCIDENT", "id": name,
                                                  "service": service, "execution": execution,
                                                  "opened_at": opened_at, "status": "open"})),
                        "ConditionExpression": "attribute_not_exists(pk)"}},
                    {"ConditionCheck": {
                        "TableName": self._table, "Key": formed({"pk": f"SERVICE#{service}", "sk": "LAST"}),
                        "ConditionExpression": "attribute_not_exists(pk) OR judged_until < :at",
                        "ExpressionAttributeValues": formed({":at": signal["at"]})}}])
            except ClientError as error:
                code = error.response["Error"]["Code"]
                if code not in ("TransactionCanceledException", "ConditionalCheckFailedException",
                                "TransactionConflictException", "TransactionInProgressException"):
                    raise
                held = self.item(f"SERVICE#{service}", "OPEN")
                if held and (held["lease_until"] >= now or held["execution"] == execution):
                    self.attach(held["incident"], signal)
                    return Opened(held["incident"], held["opened_at"], held["execution"] == execution,
                                  bool(held.get("again")))
                last = None if held else self.item(f"SERVICE#{service}", "LAST")
                if last and last["judged_until"] >= signal["at"]:
                    self.attach(last["incident"], signal)
                    return Opened(last["incident"], last["opened_at"], False)
                time.sleep(0.05)
                continue
            self.attach(name, signal)
            return Opened(name, opened_at, True, relapsed)
        raise RuntimeError(f"the place of {service} could neither be taken nor read")

    def _abandoned(self, service: str, now: float) -> dict[str, Any] | None:
        """The incident whose execution ended without closing it, and whose lease has run out: it is taken up again."""
        held = self.item(f"SERVICE#{service}", "OPEN")
        if held is None or held["lease_until"] >= now or not self.incident(held["incident"]):
            return None
        return {"incident": held["incident"]}

    def give_up(self, service: str, execution: str) -> None:
        """End the lease of an execution that no longer runs, so that its incident can be taken up at once."""
        self.change({"pk": f"SERVICE#{service}", "sk": "OPEN"}, "SET lease_until = :never", "execution = :gone",
                    {":never": 0, ":gone": execution})

    def _opened_again(self, incident: str, at: str) -> dict[str, Any]:
        return {"Update": {
            "TableName": self._table, "Key": formed({"pk": f"INCIDENT#{incident}", "sk": "INCIDENT"}),
            # Its outcome stays what it was until the relapse is confirmed.
            "UpdateExpression": "SET #status = :open, "
                                "reopened_at = list_append(if_not_exists(reopened_at, :none), :at)",
            "ConditionExpression": "attribute_exists(pk)", "ExpressionAttributeNames": {"#status": "status"},
            "ExpressionAttributeValues": formed({":open": "open", ":none": [], ":at": [at]})}}

    def attach(self, incident: str, signal: dict[str, Any]) -> None:
        """Add a signal to an incident; the same signal twice is one."""
        self.put_once({"pk": f"INCIDENT#{incident}", "sk": f"SIGNAL#{signal['at']}#{signal['key']}", **signal})

    def renew(self, service: str, execution: str, lease_seconds: float) -> bool:
        """Keep the service's place for a while longer; False where it is no longer this execution's."""
        return self.change({"pk": f"SERVICE#{service}", "sk": "OPEN"}, "SET lease_until = :until", "execution = :me",
                           {":until": time.time() + lease_seconds, ":me": execution})

    def close(self, service: str, incident: str, execution: str = "") -> None:
        """Free the service's place, where it is this execution's, and keep until when its sources had looked."""
        item = self.incident(incident) or {"opened_at": iso(0)}
        # Before the place is free: a late signal finds one or the other.
        self.put({"pk": f"SERVICE#{service}", "sk": "LAST", "incident": incident, "opened_at": item["opened_at"],
                  "closed_at": item.get("closed_at") or iso(time.time()),
                  "judged_until": item.get("judged_until") or ""}, KEPT_DAYS)
        try:
            self._client.delete_item(
                TableName=self._table, Key=formed({"pk": f"SERVICE#{service}", "sk": "OPEN"}),
                ConditionExpression="incident = :incident AND (execution = :me OR :me = :nobody)",
                ExpressionAttributeValues=formed({":incident": incident, ":me": execution, ":nobody": ""}))
        except self._client.exceptions.ConditionalCheckFailedException:
            pass

    def refuse(self, at: str, key: str, reason: str, given: Any) -> None:
        """Keep a start that nobody looks after."""
        self.put_once({"pk": f"REFUSED#{at[:10]}", "sk": f"{at}#{key}", "at": at, "reason": reason,
                        "given": json.dumps(mask_all(given))[:4000]})

    # --- while it runs --------------------------------------------------------------------------------------------

    def note(self, incident: str, entered: str, step: str, what: str, *, number: int = 0, why: str = "",
             by: str = "system", kind: str = "step", detail: dict[str, Any] | None = None) -> bool:
        """Write a timeline entry; False where this visit of the state has written it before.

        ``entered`` is when the state was entered, which stays the same when the step is tried again; ``number``
        orders several entries of one visit, and the step's name keeps apart what two executions of one incident (it
        and a person's answer) enter in the same millisecond. ``by`` is ``system``, ``policy`` or a person.
        """
        entry: dict[str, Any] = {
            "incident": incident, "entered": entered, "step": step, "what": what, "number": number, "why": why,
            "by": by, "kind": kind, "detail": detail or {}}
        if not self._timeline:
            return self.append(**entry)
        answer = aws.client("lambda").invoke(FunctionName=self._timeline,
                                             Payload=json.dumps(mask_all(entry), default=str).encode())
        told = json.loads(answer["Payload"].read())
        if answer.get("FunctionError") or not isinstance(told, dict):
            raise RuntimeError(f"the timeline entry of {step} could not be written: {str(told)[:300]}")
        return bool(told["written"])

    def append(self, incident: str, entered: str, step: str, what: str, number: int, why: str, by: str, kind: str,
               detail: dict[str, Any]) -> bool:
        """Write a timeline entry itself; only the function that keeps the timeline may (IAM)."""
        return self.put_once({
            "pk": f"TIMELINE#{incident}", "sk": f"TIMELINE#{entered}#{number:02d}#{step}", "at": iso(time.time()),
            "step": step, "what": what, "why": why, "by": by, "kind": kind, "detail": detail})

    def evidence(self, incident: str, entered: str, step: str, answers: Iterable[dict[str, Any]]) -> None:
        """Keep what the sources answered in one visit of a step."""
        for answer in answers:
            findings = answer.get("findings", [])
            item = {"pk": f"INCIDENT#{incident}", "sk": f"EVIDENCE#{entered}#{answer['source']}", "step": step,
                    "at": iso(time.time()), "source": answer["source"],
                    "milliseconds": answer.get("milliseconds"), "findings": findings}
            while len(json.dumps(item)) > ITEM_CHARACTERS and item["findings"]:
                item["findings"] = item["findings"][:-1]
                item["cut"] = True
            self.put_once(item)

    def update(self, incident: str, **values: Any) -> None:
        """Set attributes of the incident."""
        self._set(f"INCIDENT#{incident}", "INCIDENT", values)

    # --- remedies -------------------------------------------------------------------------------------------------

    def propose(self, incident: str, entered: str,
                proposals: Iterable[dict[str, Any]]) -> list[tuple[str, dict[str, Any]]]:
        """Keep the remedies that follow from a diagnosis, and return each with its id; kept before, it stays.

        Their facts are what a remedy compares and restores: one exact text, never masked.
        """
        kept = []
        for number, proposal in enumerate(proposals):
            name = f"{entered}#{number:02d}"
            if not self.put_exact({"pk": f"INCIDENT#{incident}", "sk": f"PROPOSED#{name}", "action": proposal["action"],
                                   "proposal": json.dumps(proposal, allow_nan=False, sort_keys=True)}):
                proposal = self.proposal(incident, name) or proposal
            kept.append((name, proposal))
        return kept

    def proposal(self, incident: str, name: str) -> dict[str, Any] | None:
        """Return a remedy that follows from a diagnosis, by its id; None where there is none."""
        item = self.item(f"INCIDENT#{incident}", f"PROPOSED#{name}")
        return dict(json.loads(item["proposal"])) if item else None

    def action(self, incident: str, number: int) -> dict[str, Any] | None:
        """Return a remedy's record, None where there is none."""
        item = self.item(f"REMEDY#{incident}", f"ACTION#{number:02d}")
        return merged(item) if item else None

    def next_number(self, incident: str) -> int:
        """Return the number of the incident's next remedy."""
        return 1 + max((int(item["number"]) for item in self.actions(incident)), default=0)

    def plan_action(self, incident: str, number: int, values: dict[str, Any]) -> dict[str, Any]:
        """Keep a remedy's plan, ``action`` among its values; a plan that is there already stays, and is returned.

        ``before`` and ``parameters`` are kept exactly; everything else is shown to people, and masked.
        """
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
        """Set what a remedy's own function says of it."""
        self._set(f"REMEDY#{incident}", f"ACTION#{number:02d}", _by(action, values))

    def judge_action(self, incident: str, number: int, **values: Any) -> None:
        """Set what the deciding function says of a remedy: its ruling, how it went, and how long it is kept."""
        self._set(f"REMEDY#{incident}", f"ACTION#{number:02d}", _by(JUDGED, values), {
            "expires": int(time.time()) + KEPT_DAYS * 86400})

    # --- telling people -------------------------------------------------------------------------------------------

    def channel(self, incident: str, name: str) -> tuple[dict[str, Any], dict[str, str]]:
        """Return what a channel remembers of an incident, and when it delivered which message, by its key."""
        item = self.item(f"CHANNEL#{incident}", f"CHANNEL#{name}") or {}
        return dict(item.get("state") or {}), dict(item.get("sent") or {})

    def take_channel(self, incident: str, name: str, seconds_held: float = 20.0) -> bool:
        """Be the only one to use a channel for an incident, for a while; False where somebody else is using it."""
        key, now = {"pk": f"CHANNEL#{incident}", "sk": f"CHANNEL#{name}"}, time.time()
        self.put_once(key | {"state": {}, "sent": {}, "busy_until": 0})
        return self.change(key, "SET busy_until = :until", "attribute_not_exists(busy_until) OR busy_until < :now",
                           {":until": now + seconds_held, ":now": now})

    def keep_channel(self, incident: str, name: str, state: dict[str, Any], sent: dict[str, str]) -> None:
        """Keep what a channel remembers: ids of the vendor's, no text; of what it delivered the newest hundred."""
        newest = dict(sorted(sent.items(), key=lambda item: item[1])[-100:])
        self.put({"pk": f"CHANNEL#{incident}", "sk": f"CHANNEL#{name}", "state": state, "sent": newest,
                  "busy_until": 0}, KEPT_DAYS)

    # --- reading --------------------------------------------------------------------------------------------------

    def incident(self, incident: str) -> dict[str, Any] | None:
        """Return the incident's own item."""
        return self.item(f"INCIDENT#{incident}", "INCIDENT")

    def actions(self, incident: str) -> list[dict[str, Any]]:
        """Return the remedies of an incident in their order, without all else that is in its partition."""
        return [merged(item) for item in self.partition(f"REMEDY#{incident}")]

    def known(self, incident: str) -> list[dict[str, Any]]:
        """Return an incident's own item, signals, evidence and proposals, in the order of their sort keys."""
        return self.partition(f"INCIDENT#{incident}")

    def everything(self, incident: str) -> list[dict[str, Any]]:
        """Return all items of an incident, in the order of their sort keys."""
        return sorted((*self.known(incident), *self.actions(incident), *self.partition(f"TIMELINE#{incident}")),
                      key=lambda item: str(item["sk"]))

    # --- what is shared between incidents -------------------------------------------------------------------------

    def hold(self, target: str, incident: str, seconds_held: float) -> int:
        """Take a target's lease, and return its fencing number; 0 where another incident holds it.

        The number grows each time that the lease changes hands: whoever has an older one must not act any more.
        """
        now = time.time()
        key = {"pk": f"TARGET#{target}", "sk": "LEASE"}
        if not self.change(key, "SET incident = :me, held_until = :until, expires = :expires ADD fence :one",
                           "attribute_not_exists(pk) OR held_until < :now", {
                               ":me": incident, ":until": now + seconds_held, ":now": now, ":one": 1,
                               ":expires": int(now) + KEPT_DAYS * 86400}) and not self.change(
                key, "SET held_until = :until", "incident = :me", {":me": incident, ":until": now + seconds_held}):
            return 0
        held = self.item(**key) or {}
        return int(held["fence"]) if held.get("incident") == incident else 0

    def holds(self, target: str, incident: str, fence: int) -> bool:
        """Whether an incident still holds a target's lease by this fencing number."""
        held = self.item(f"TARGET#{target}", "LEASE") or {}
        return (held.get("incident"), held.get("fence")) == (incident, fence) and held["held_until"] > time.time()

    def release(self, target: str, incident: str) -> None:
        """Give a target's lease back, where it is this incident's."""
        self.change({"pk": f"TARGET#{target}", "sk": "LEASE"}, "SET held_until = :never", "incident = :me",
                    {":never": 0, ":me": incident})

    def carried_out(self, service: str, incident: str, number: int, record: Mapping[str, Any]) -> None:
        """Remember that a remedy is carried out, for cooldowns, limits an hour and what helped before; twice is once.
        """
        self.put_once({"pk": f"REMEDIES#{service}", "sk": f"{incident}#{number:02d}", "at": time.time(),
                       "incident": incident, "number": number,
                       **{key: record.get(key) or "" for key in ("action", "target", "component", "mechanism")}})

    def remedies(self, service: str, since: float) -> list[dict[str, Any]]:
        """Return the remedies that were carried out since a moment (seconds since 1970, UTC), oldest first."""
        return sorted((item for item in self.partition(f"REMEDIES#{service}") if item["at"] >= since),
                      key=lambda item: float(item["at"]))

    def unhelpful(self, service: str, since: float, apart: str) -> list[dict[str, Any]]:
        """Return the remedies since a moment that were applied and did not help, of all incidents but ``apart``.

        Of each: at (seconds since 1970, UTC), incident, action, target, component, mechanism, reason.
        """
        found = []
        for item in self.remedies(service, since):
            if item["incident"] == apart or not item.get("mechanism"):
                continue
            record = self.action(item["incident"], int(item["number"])) or {}
            # What was stopped or failed half way has not been seen to be of no help.
            if record.get("status") in ("reverted", "failed") and record.get("applied_at") and not (
                    record.get("too_little") or record.get("in_part")):
                found.append({key: item[key] for key in ("at", "incident", "action", "target", "component",
                                                         "mechanism")} | {"reason": record.get("reason") or ""})
        return found


def _by(writer: str, values: dict[str, Any]) -> dict[str, Any]:
    """Return attributes under their writer's name; see ``model/remedy.py``."""
    return {f"{writer}:{name}": value for name, value in values.items()}
