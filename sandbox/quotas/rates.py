"""How often AWS's control planes may be called: a token bucket an operation, or a group of operations.

Sources: "Request throttling for the Amazon EC2 API" (reads: 100 tokens, 20 more a second), "Step Functions service
quotas" (DescribeExecution 300 and 15, GetExecutionHistory 400 and 20, ListExecutions 100 and 5, StartExecution 1,300
and 300, DescribeStateMachine 200 and 20), "CloudWatch service quotas" (GetMetricData 50 a second, DescribeAlarms 9),
"AWS Systems Manager endpoints and quotas" (GetParameter 40 a second), "AWS Secrets Manager quotas" (GetSecretValue
10,000 a second), "CloudWatch Logs quotas" (StartQuery, GetQueryResults 10 a second) and "LookupEvents" (2 a second).
Of EKS, RDS, Performance Insights and Health AWS tells no numbers: those here are low ones.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Rate:
    """What a bucket holds at most, and how much comes back each second."""

    most: float
    per_second: float


RATES: dict[str, Rate] = {
    "ec2:Describe": Rate(100, 20), "eks:Describe": Rate(10, 5), "eks:List": Rate(10, 5), "rds:Describe": Rate(20, 10),
    "pi:": Rate(25, 25),
    "elasticloadbalancing:Describe": Rate(40, 10),
    "acm:DescribeCertificate": Rate(10, 10),
    "logs:StartQuery": Rate(10, 10), "logs:GetQueryResults": Rate(10, 10),
    "health:": Rate(30, 10), "cloudtrail:LookupEvents": Rate(2, 2),
    "cloudwatch:GetMetricData": Rate(50, 50), "cloudwatch:DescribeAlarms": Rate(9, 9), "ssm:GetParameter": Rate(40, 40),
    "secretsmanager:GetSecretValue": Rate(10_000, 10_000), "states:DescribeExecution": Rate(300, 15),
    "states:GetExecutionHistory": Rate(400, 20), "states:ListExecutions": Rate(100, 5),
    "states:StartExecution": Rate(1_300, 300), "states:DescribeStateMachine": Rate(200, 20)}
"""How an operation's name begins, behind its service, to the bucket of all operations that begin so."""


class Buckets:
    """The account's buckets, full at first."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._left: dict[str, tuple[float, float]] = {}

    def take(self, service: str, operation: str) -> bool:
        """Take a token for a call; whether there was one. An operation without a known rate always has one."""
        called = f"{service}:{operation}"
        name = max((name for name in RATES if called.startswith(name)), key=len, default="")
        if not name:
            return True
        rate, now = RATES[name], self._clock()
        with self._lock:
            left, since = self._left.get(name, (rate.most, now))
            left = min(rate.most, left + (now - since) * rate.per_second)
            taken = left >= 1
            self._left[name] = (left - taken, now)
        return taken
