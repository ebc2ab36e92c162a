"""What of the instance is used up slowly: credits, balances of its volume, transaction ids, storage.

Formats: AWS's page "Amazon CloudWatch instance-level metrics for Amazon RDS": CPUCreditBalance (classes db.t),
BurstBalance (volumes gp2), EBSIOBalance% and EBSByteBalance% (of the machine's own throughput), FreeStorageSpace, and
MaximumUsedTransactionIDs, of which PostgreSQL has 2,147,483,648 and stops taking writes three million before
(PostgreSQL: "Preventing Transaction ID Wraparound Failures"). A metric that an instance does not have has no values.
"""

from __future__ import annotations

from responder.clients import insights
from responder.model.evidence import Finding
from responder.model.evidence.wear import Resource, Sample, Wear
from responder.sources import Query

_RESOURCES = {
    "CPU credits": ("CPUCreditBalance", 0.0), "I/O credits": ("BurstBalance", 0.0),
    "I/O operations balance": ("EBSIOBalance%", 0.0), "I/O throughput balance": ("EBSByteBalance%", 0.0),
    "storage": ("FreeStorageSpace", 0.0), "transaction ids": ("MaximumUsedTransactionIDs", 2_144_483_648.0)}
"""A resource, as people know it, to its metric and the value at which nothing of it is left."""


def finding(source: str, query: Query, instance: str, link: str) -> Finding[Wear]:
    """Return how an instance's resources went in the last hours; raises CallFailed."""
    keys = {f"r{place}": name for place, name in enumerate(_RESOURCES)}
    series = insights.series({key: insights.Asked("AWS/RDS", _RESOURCES[name][0], (("DBInstanceIdentifier", instance),))
                              for key, name in keys.items()}, query.window.end, query.deadline)
    found = {name: Resource(_RESOURCES[name][1], tuple(Sample(*one) for one in series[key]))
             for key, name in keys.items() if series.get(key)}
    return Finding(source=source, status="ok" if found else "empty", window=query.window,
                   unit="resources", value=float(len(found)), link=link,
                   query=f"AWS/RDS CPUCreditBalance, BurstBalance, … DBInstanceIdentifier={instance}",
                   note="" if found else "CloudWatch has none of its balances", detail=Wear(found))
