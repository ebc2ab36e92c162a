"""Whether anybody is subscribed to the topics, and has confirmed it.

Source: the SNS API Reference's page "ListSubscriptionsByTopic" (an unconfirmed one has the ARN "PendingConfirmation").
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from botocore.exceptions import ClientError

from cli.doctor.account import Account, is_missing
from cli.doctor.model import Check, Probe, broken, note, well
from cli.doctor.surroundings import Surroundings


@dataclass(frozen=True)
class Subscription:
    """Somebody, or something, that a topic tells."""

    protocol: str
    endpoint: str
    confirmed: bool


def _look(here: Surroundings) -> Iterable[Check]:
    stack = here.account.stack
    emails = sorted({email for service in here.every for email in service.notify_emails})
    others = sorted({name for service in here.every for name, channel in (
        ("PagerDuty", service.pagerduty), ("Slack", service.slack)) if channel})
    yield from _topic(here.account, "incident topic", stack.output("Topic"), emails, others)
    if "ApprovalsTopic" in stack.outputs:
        asked = sorted({person.email for service in here.every for person in service.team if person.email})
        yield from _topic(here.account, "topic for approvals", stack.output("ApprovalsTopic"), asked, ["others"])


def _topic(account: Account, name: str, arn: str, emails: Sequence[str], others: Sequence[str]) -> Iterator[Check]:
    try:
        with account.asking("sns"):
            items = [item for page in account.client("sns").get_paginator("list_subscriptions_by_topic").paginate(
                TopicArn=arn) for item in page["Subscriptions"]]
            found = [_subscription(account, item) for item in items]
    except ClientError as error:
        if not is_missing(error):
            raise
        yield broken(name, f"{arn} is gone: nobody is told", "deploy again: make deploy")
        return
    yield from judged(name, arn, found, emails, others)


def _subscription(account: Account, item: Mapping[str, str]) -> Subscription:
    arn = item["SubscriptionArn"]
    confirmed = ":" in arn and account.client("sns").get_subscription_attributes(
        SubscriptionArn=arn)["Attributes"].get("PendingConfirmation") != "true"
    return Subscription(item["Protocol"], item["Endpoint"], confirmed)


def judged(name: str, arn: str, found: Sequence[Subscription], emails: Sequence[str], others: Sequence[str]
           ) -> Iterator[Check]:
    """Judge a topic's subscriptions; ``emails`` are those that the configuration names, ``others`` other channels."""
    for one in found:
        subject = f"{name}: {one.protocol} {shown(one.endpoint)}"
        if one.confirmed:
            yield well(subject, "subscribed")
        else:
            yield broken(subject, "it was never confirmed, so nothing is sent there",
                         "confirm by the link in AWS's message; after three days subscribe anew: aws sns subscribe "
                         f"--topic-arn {arn} --protocol {one.protocol} --notification-endpoint {shown(one.endpoint)}")
    for email in sorted(set(emails) - {one.endpoint for one in found}):
        yield broken(f"{name}: email {email}", "the configuration names it, and it is not subscribed",
                     "deploy again: make deploy; then confirm by the link in AWS's message")
    if not any(one.confirmed for one in found) and not (found or emails):
        say = note if others else broken
        yield say(name, "nobody is subscribed" + (f"; people hear of incidents by {', '.join(others)} alone"
                                                  if others else ", and there is no other channel"),
                  f"aws sns subscribe --topic-arn {arn} --protocol email --notification-endpoint ADDRESS")


def shown(endpoint: str) -> str:
    """Return an endpoint as it may be printed: what follows the host of a URL may be a key."""
    parts = urlsplit(endpoint)
    return f"{parts.scheme}://{parts.hostname}/…" if parts.scheme in ("http", "https") else endpoint


PROBE = Probe("subscriptions", "who is subscribed to the topics", _look,
              ("sns:ListSubscriptionsByTopic", "sns:GetSubscriptionAttributes"))
