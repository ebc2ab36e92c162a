"""The timeline table: all items of an incident, in partitions by the functions that may write them.

| partition key `pk` | described in |
|---|---|
| `SERVICE#name`, `INCIDENT#id`, `REFUSED#day` | ``records/incidents.py`` |
| `TIMELINE#id` | ``records/timeline.py`` |
| `REMEDY#id`, `REMEDIES#service` | ``records/remedies.py`` |
| `CHANNEL#id` | ``records/deliveries.py`` |
| `TASK#incident`, `ANSWER#incident` | ``records/tasks.py`` |
| `TARGET#name` | ``records/leases.py`` |
| `ALERT#group`, `ALERT#key` | ``records/alerts.py`` |
| `LEDGER#service` | the change ledger, see ``records/ledger.py`` |
| `HISTORY#service` | ``records/history.py`` |
| `BURN` | each service's last burn of its error budget, see ``plan/burn.py`` |
| `BUDGET#source#scope` | how much a vendor is asked, see ``records/budgets.py`` |
| `SHARED#source#key` | what several incidents ask together, see ``records/shared.py`` |
| `HEALTH` | `time#arn`: an AWS Health event as EventBridge brought it |

Every write is conditional or idempotent, so a step that runs twice leaves one trace. Times are ISO 8601 in UTC.
IAM limits each function to its partitions by key, and each remedy to its own attributes (``stacks/timeline.py``).
"""

from __future__ import annotations

from responder.model.moment import iso, seconds
from responder.records.alerts import Alerts
from responder.records.deliveries import Deliveries
from responder.records.incidents import Incidents, Opened
from responder.records.leases import Leases
from responder.records.remedies import Remedies
from responder.records.timeline import Timeline


class Records(Timeline, Incidents, Remedies, Leases, Deliveries, Alerts):
    """The timeline table, for one function.

    The parts form one class, because IAM already decides which partitions a function may touch. With a class per part,
    every caller would have to choose again.
    """


__all__ = ["Opened", "Records", "iso", "seconds"]
