"""Whether each vendor takes its key, by a call that changes nothing; with the keys, what they are used for.

The call is made from the machine of whoever runs the doctor. A vendor that is reached from the responder's network
alone is taken for well where the function that uses the same key reads with it.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from functools import partial

from cli.doctor import keys
from cli.doctor.keys import Key, Wrong
from cli.doctor.model import Check, NotKnown, Probe, broken, unknown, well
from cli.doctor.probes.secrets import value_of
from cli.doctor.surroundings import Surroundings, side_by_side
from responder.clients.failure import CallFailed
from responder.clients.http import Http
from responder.model.evidence import USABLE
from responder.model.masking import mask
from responder.model.service import Service

_SECONDS = 12.0


def _look(here: Surroundings) -> Iterable[Check]:
    here.account.client("secretsmanager")
    return here.of_each(lambda service: side_by_side({
        _subject(key): partial(_of, here, service, key) for key in keys.of(service) if key.trial}))


def _subject(key: Key) -> str:
    return f"{key.vendor}: {key.what} ({key.secret})"


def _of(here: Surroundings, service: Service, key: Key) -> Iterator[Check]:
    try:
        value = value_of(here.account, key.secret)
        if not value or not value.strip():
            return  # The probe of secrets says so.
        found = _tried(key, value.strip())
    except (NotKnown, CallFailed) as failed:
        refused = isinstance(failed, CallFailed) and failed.status == "unauthorized"
        if refused:
            yield broken(_subject(key), f"{key.vendor} refuses it: {_said(failed, '')}",
                         f"make a new one there, then: aws secretsmanager put-secret-value --secret-id {key.secret} "
                         "--secret-string '…'")
        elif _read_by_the_function(here, service, key):
            yield well(_subject(key), f"the source {key.source} reads with it, in the responder's own network")
        else:
            yield unknown(_subject(key), f"it could not be tried from here: {_said(failed, '')}",
                          failed.mend if isinstance(failed, NotKnown) else "run it where the vendor is reached")
        return
    yield from judged(key, found)


def judged(key: Key, found: Iterable[Wrong]) -> Iterator[Check]:
    """Judge what a vendor says of a key."""
    wrongs = list(found)
    for wrong in wrongs:
        yield broken(_subject(key), mask(wrong.says), wrong.mend)
    if not wrongs:
        yield well(_subject(key), f"{key.vendor} takes it")


def _tried(key: Key, value: str) -> list[Wrong]:
    """Use a key; raises CallFailed."""
    with ExitStack() as clients:
        def open_client(headers: Mapping[str, str]) -> Http:
            client = Http(time.monotonic() + _SECONDS, dict(headers))
            clients.callback(client.close)
            return client

        return list(key.trial(open_client, value)) if key.trial else []


def _said(failed: Exception, otherwise: str) -> str:
    return mask(failed.note if isinstance(failed, CallFailed) else str(failed)) or otherwise


def _read_by_the_function(here: Surroundings, service: Service, key: Key) -> bool:
    if not key.source:
        return False
    try:
        said = next((one for one in here.answers(service).said if one.source.name == key.source), None)
    except NotKnown:
        return False
    return said is not None and any(finding.status in USABLE for finding in said.findings)


PROBE = Probe("keys", "keys, by a harmless call of each vendor", _look,
              ("secretsmanager:GetSecretValue", "lambda:InvokeFunction"), seconds=75.0)
