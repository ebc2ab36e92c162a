"""Whether each secret that the configuration names is there, can be read, and has the form that is expected.

Source: the Secrets Manager API Reference's pages "DescribeSecret" and "GetSecretValue".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from cli.doctor import keys
from cli.doctor.account import Account, is_missing
from cli.doctor.keys import Key, misshapen
from cli.doctor.model import Check, NotKnown, Probe, broken, well
from cli.doctor.surroundings import Surroundings, side_by_side


def _look(here: Surroundings) -> Iterable[Check]:
    here.account.client("secretsmanager")
    return here.of_each(lambda service: side_by_side({
        f"secret {key.secret}": partial(_of, here, key, here.file(service))
        for key in {key.secret: key for key in keys.of(service)}.values()}))


def _of(here: Surroundings, key: Key, file: str) -> Iterator[Check]:
    described = _described(here.account, key.secret)
    check = of_description(key, described, file)
    if check:
        yield check
        return
    value = value_of(here.account, key.secret)
    yield broken(f"secret {key.secret}", "it holds bytes, and a string is expected", _put(key)) if value is None else (
        of_value(key, value))


def _described(account: Account, name: str) -> Mapping[str, Any] | None:
    with account.asking("secretsmanager"):
        try:
            found: Mapping[str, Any] = account.client("secretsmanager").describe_secret(SecretId=name)
        except ClientError as error:
            if not is_missing(error):
                raise
            return None
    return found


def value_of(account: Account, name: str) -> str | None:
    """Return a secret's text; None where it holds bytes. Raises NotKnown."""
    with account.asking("secretsmanager"):
        try:
            value = account.client("secretsmanager").get_secret_value(SecretId=name).get("SecretString")
        except ClientError as error:
            raise NotKnown(f"the secret {name} cannot be read: {error.response['Error'].get('Code')}") from error
    return None if value is None else str(value)


def of_description(key: Key, found: Mapping[str, Any] | None, file: str) -> Check | None:
    """Judge what DescribeSecret says; None: nothing speaks against reading it."""
    subject = f"secret {key.secret}"
    if found is None:
        return broken(subject, f"there is none of this name; {key.field} in {file} names it",
                      f"aws secretsmanager create-secret --name {key.secret} --secret-string '{key.what}'")
    if found.get("DeletedDate"):
        return broken(subject, "it is deleted, and can be restored until its recovery window ends",
                      f"aws secretsmanager restore-secret --secret-id {key.secret}")
    stages = found.get("VersionIdsToStages") or {}
    if not any("AWSCURRENT" in stage for stage in stages.values()):
        return broken(subject, "it has no value", _put(key))
    return None


def of_value(key: Key, value: str) -> Check:
    """Judge the form of a secret's value; the check says nothing of the value itself."""
    wrong = misshapen(key, value)
    if wrong:
        return broken(f"secret {key.secret}", f"{wrong}; expected is {key.what}", _put(key))
    return well(f"secret {key.secret}", f"there, and of the form of {key.what}")


def _put(key: Key) -> str:
    return f"aws secretsmanager put-secret-value --secret-id {key.secret} --secret-string '…'  ({key.what})"


PROBE = Probe("secrets", "secrets: there, readable, of the expected form", _look,
              ("secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"))
