"""The sandbox's payments and what comes to an end: real effects, and the configuration's checks of both."""

from __future__ import annotations

from dataclasses import replace

from responder.model.service import Credential, MethodSwitch, Payments, Service
from sandbox.platform.payments import Disturbed
from sandbox.platform.payments import Payments as Taken
from sandbox.platform.state import World
from stacks.credentials import credentials
from stacks.payments import payments


def share(taken: Taken, **attributes: str) -> float:
    found = [one for one in taken.taken if attributes.items() <= one.kind.attributes.items()]
    return sum(one.count for one in found if one.reason) / max(1, sum(one.count for one in found))


def test_only_what_matches_is_declined_more_often() -> None:
    taken = Taken()
    taken.serve(0.0, 6000, "1.0.0", "p", [Disturbed({"issuer": "northbank"}, 0.9)], "")
    assert share(taken, issuer="northbank") > 0.85 and share(taken, issuer="seabank") < 0.15
    assert all("status=200" in one.text for one in taken.taken)


def test_a_hidden_method_is_not_offered_and_customers_pay_in_another_way() -> None:
    taken = Taken()
    taken.serve(0.0, 500, "1.0.0", "p", [], "wallet, invoice")
    assert sum(one.count for one in taken.taken) == 500
    assert {one.kind.method for one in taken.taken} == {"card", "direct_debit"}


def test_what_has_expired_is_refused_by_its_own_provider_alone() -> None:
    world = World(expired=[("primary-api-key", 0.0)])
    assert "401" in world.refusal("primary") and not world.refusal("fallback")


def test_the_configuration_of_payments_is_checked(service: Service) -> None:
    assert not list(payments(service)) and not list(credentials(service))
    wrong = Payments("gatway", ("method; x", "version"), method="methd", parties={"isuer": "x"}, declined=("a'b",),
                     hide=MethodSwitch("c", "k"))
    assert {str(path[1]) for path, _, _ in payments(replace(service, payments=wrong))} == {
        "component", "attributes", "method", "parties", "declined"}


def test_the_configuration_of_credentials_is_checked(service: Service) -> None:
    wrong = Credential("key", "primry", arn="arn:aws:acm:x", expires="soon")
    assert [path[2] for path, _, _ in credentials(replace(service, credentials=(wrong,)))] == [
        "target", "arn", "expires"]
