"""Whether anything lies in the queues for what could not be delivered: an alarm's event, a message to people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial

from botocore.exceptions import ClientError

from cli.doctor.account import Account, Resource, is_missing
from cli.doctor.model import Check, Probe, broken, well
from cli.doctor.surroundings import Surroundings, side_by_side


def _look(here: Surroundings) -> Iterable[Check]:
    here.account.client("sqs")
    return side_by_side({f"queue {queue.logical}": partial(_of, here.account, queue)
                         for queue in here.account.stack.of("AWS::SQS::Queue")})


def _of(account: Account, queue: Resource) -> Iterator[Check]:
    with account.asking("sqs"):
        try:
            attributes = account.client("sqs").get_queue_attributes(
                QueueUrl=queue.physical, AttributeNames=["ApproximateNumberOfMessages"])["Attributes"]
        except ClientError as error:
            if not is_missing(error):
                raise
            yield broken(f"queue {queue.logical}", "it is gone, although the stack has it", "deploy again: make deploy")
            return
    yield judged(queue, int(attributes["ApproximateNumberOfMessages"]))


def judged(queue: Resource, messages: int) -> Check:
    """Judge how many messages lie in a queue for what could not be delivered."""
    subject = f"queue {queue.logical}"
    if messages:
        return broken(subject, f"{messages} message{'s' if messages > 1 else ''} could not be delivered",
                      f"read what it is, mend the reason, then: aws sqs purge-queue --queue-url {queue.physical}")
    return well(subject, "empty")


PROBE = Probe("queues", "what could not be delivered", _look, ("sqs:GetQueueAttributes",))
