"""Which component, database or provider a host names, however it is written."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from responder.model.service import Component, Database, Provider, Service
from responder.model.service.hosts import Claim, Parties, bare, claims, overlap
from stacks.consistency import inconsistent

_ADYEN = "<prefix>-checkout-live.adyenpayments.com"
_CLUSTER = "pay.cluster-abc.eu-west-1.rds.amazonaws.com"
PARTIES = Parties(
    (Component("frontend", calls=("backend",)),
     Component("backend", workload="statefulset/orders", service="orders-api", namespace="shop", calls=("gateway",)),
     Component("gateway", hosts=("gateway.internal.example",), calls=("db", "card"))),
    Database("db", "pay", _CLUSTER), (Provider("card", host=_ADYEN), Provider("bank", hosts=("*.bank.example",))),
    "payments")
_LABEL = st.from_regex(r"[a-z]([a-z0-9-]{0,6}[a-z0-9])?", fullmatch=True)
_NAME = st.lists(_LABEL, min_size=2, max_size=4).map(".".join)
_PATTERN = st.lists(st.sampled_from(["a", "b", ".", "*"]), min_size=1, max_size=7).map("".join)


@pytest.mark.parametrize(("host", "party"), [
    ("<prefix>-pal-live.adyenpayments.com", "provider:card"),
    ("1797a841fbb37ca7-shop-checkout-live.adyenpayments.com:443", "provider:card"), ("bank", "provider:bank"),
    ("eu.bank.example", "provider:bank"), ("https://API.v2.bank.example/x?y", "provider:bank"),
    ("bank.example", ""), ("evil-bank.example.org", ""), ("live.adyenpayments.com.evil.example", ""),
    (_CLUSTER, "database"), ("pay.cluster-ro-abc.eu-west-1.rds.amazonaws.com.", "database"),
    ("pay.abc.eu-west-1.rds.amazonaws.com:5432", "database"),
    ("PAY-INSTANCE-2.abc.eu-west-1.rds.amazonaws.com", "database"),
    ("pay.proxy-abc.eu-west-1.rds.amazonaws.com", "database"), ("jdbc:postgresql://db:5432/pay", "database"),
    ("pay.cluster-ro-xyz.eu-west-1.rds.amazonaws.com", ""), ("payroll.cluster-abc.eu-west-1.rds.amazonaws.com", ""),
    ("pay.cluster-abc.eu-west-<n>.rds.amazonaws.com", "database"),
    ("backend", "backend"), ("orders-api.shop", "backend"), ("orders-api.shop.svc.cluster.local", "backend"),
    ("orders-0.orders-api.shop.svc", "backend"), ("outbound|8080||orders-api.shop.svc.cluster.local", "backend"),
    ("orders-api.other.svc.cluster.local", ""), ("frontend.other-ns.svc.cluster.local", "frontend"),
    ("gateway.internal.example", "gateway"), ("gateway.payments.svc.corp.example", "gateway"),
    ("frontend.other-ns", ""), ("10.0.0.1", ""), ("[2001:db8::1]:443", ""), ("", ""), ("<n>", "")])
def test_a_host_names_one_party_or_nobody(host: str, party: str) -> None:
    assert PARTIES.called(host) == party


def test_an_instance_that_the_callers_name_by_a_word_is_known_by_its_endpoint() -> None:
    parties = replace(PARTIES, database=Database("db", "payments-db", "db"))
    for host in ("payments-db.abc123.us-east-1.rds.amazonaws.com",
                 "payments-db.cluster-ro-abc.us-east-1.rds.amazonaws.com",
                 "payments-db.abc123.rds.cn-north-1.amazonaws.com.cn"):
        assert parties.called(host) == "database"
    assert parties.called("other-db.abc123.us-east-1.rds.amazonaws.com") == ""


def test_an_instance_may_be_given_by_its_own_endpoint() -> None:
    host = "pay.abc.eu-west-1.rds.amazonaws.com"
    parties = replace(PARTIES, database=Database("db", "pay", host))
    for named in (host, "pay.proxy-abc.eu-west-1.rds.amazonaws.com"):
        assert parties.called(named) == "database"
    assert parties.called("orders.abc.eu-west-1.rds.amazonaws.com") == ""


def test_a_cluster_and_its_proxy_are_known_by_their_names() -> None:
    host = "writer.cluster-abc.eu-west-1.rds.amazonaws.com"
    for database in (Database("db", host=host, cluster="orders", proxy="pool"),
                     Database("db", cluster="orders", proxy="pool")):
        parties = replace(PARTIES, database=database)
        for name in ("orders.cluster-abc", "orders.cluster-ro-abc", "pool.proxy-abc", "pool.endpoint.proxy-abc"):
            assert parties.called(f"{name}.eu-west-1.rds.amazonaws.com") == "database"
        assert parties.called("others.cluster-abc.eu-west-1.rds.amazonaws.com") == ""
    assert replace(PARTIES, database=Database("db", host=host, cluster="orders")).called(
        "orders-instance-3.abc.eu-west-1.rds.amazonaws.com") == "database"


@given(st.sampled_from(claims(PARTIES)), st.sampled_from(["", ":8080", ".", ".:443"]), st.booleans(),
       st.sampled_from(["", "http://", "tcp://user@", "inbound|80||"]), _LABEL)
def test_spelling_changes_nothing(claim: Claim, end: str, upper: bool, start: str, label: str) -> None:
    host = claim.host.replace("*", label)
    written = start + (host.upper() if upper else host) + end
    assert PARTIES.called(written) == PARTIES.called(host) == claim.party


@given(_NAME, _LABEL, st.permutations(range(2)))
def test_a_name_in_full_is_stronger_than_a_pattern_whatever_the_order(name: str, label: str, order: list[int]) -> None:
    providers = (Provider("whole", host=f"{label}.{name}"), Provider("rest", hosts=(f"*.{name}",)))
    parties = Parties((), None, tuple(providers[place] for place in order), "payments")
    assert parties.called(f"{label}.{name}") == "provider:whole"
    assert parties.called(f"{label}0.{name}") == "provider:rest"


@given(_PATTERN, _PATTERN, st.text("ab.", min_size=1, max_size=9))
def test_patterns_that_share_a_host_overlap(one: str, other: str, host: str) -> None:
    fits = [Parties((), None, (Provider("x", hosts=(f"{pattern}.example.org",)),), "n").called(f"{host}.example.org")
            for pattern in (one, other)]
    if bare(f"{host}.example.org") == f"{host}.example.org" and "**" not in one + "." + other and all(fits):
        assert overlap(bare(one + ".example.org"), bare(other + ".example.org"))
    assert overlap(one, other) == overlap(other, one)
    assert overlap(one, one)


def _found(service: Service) -> list[str]:
    return [f"{path}: {found}; {expected}" for path, found, expected in inconsistent(service)]


@pytest.mark.parametrize(("providers", "said"), [
    ((Provider("a", hosts=("*.pay.example",)), Provider("b", hosts=("api-*.example",))), "pattern that ends with"),
    ((Provider("a", hosts=("*.pay.example",)), Provider("b", hosts=("eu-*.pay.example",))), "not of a as well"),
    ((Provider("a", hosts=("x.pay.example",)), Provider("b", host="X.pay.example")), "not of a as well"),
    ((Provider("backend"),), "not of backend as well"),
    ((Provider("a", hosts=("https://pay.example/v1",)),), "a host's name alone"),
    ((Provider("a", hosts=("*",)),), "pattern that ends with")])
def test_a_host_of_two_parties_is_refused_when_checked(service: Service, providers: tuple[Provider, ...], said: str
                                                       ) -> None:
    assert any(said in found for found in _found(replace(service, providers=(*service.providers, *providers))))


def test_different_hosts_of_each_are_accepted(service: Service) -> None:
    others = (Provider("a", host="acme-checkout-live.pay.example",
                       hosts=("*.eu.pay.example", "acme-pal-live.pay.example")),
              Provider("b", hosts=("*.us.pay.example", "api.pay.example")))
    assert not _found(replace(service, providers=(*service.providers, *others)))


@pytest.mark.parametrize(("text", "party"), [
    ("upstream connect error: eu.bank.example:443 reset", "provider:bank"),
    ("the bank holiday table is empty", ""),
    ("could not connect to pay.cluster-ro-abc.eu-west-<n>.rds.amazonaws.com", "database"),
    ("call to frontend failed", ""), ("dial tcp: lookup db on <n>:<n>: no such host", "database")])
def test_a_log_line_names_a_callee_by_its_host(text: str, party: str) -> None:
    assert PARTIES.named("gateway", text) == party
