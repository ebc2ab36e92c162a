"""Where causes lie that several services may share: the same place has the same name for all of them, and no other."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from responder.model.evidence import Evidence, Finding
from responder.model.evidence.database_cluster import DatabaseCluster
from responder.model.evidence.nodes import Nodes
from responder.model.evidence.service_events import ServiceEvent, ServiceEvents
from responder.model.incident import Hypothesis
from responder.model.service import AwsAccount, Dependency, Service
from responder.plan import mechanisms
from responder.plan.common_cause import in_words, places
from tests.diagnosis import WINDOW

NOTHING = Evidence(())


def named(mechanism: str, where: str = "database") -> list[Any]:
    found = mechanisms.find(mechanism)
    return [(Hypothesis(found.cause.id, mechanism, "api", where, 0.9, 2.0, (), (), ()), found.lies_in)]


def of(service: Service, name: str, **more: Any) -> Service:
    return replace(service, **{"service": name, "cluster": replace(service.cluster, namespace=name), **more})


@pytest.mark.parametrize(("mechanism", "where"), [
    ("storage_full", "database"), ("refuses_connections", "database"), ("provider_fails", "provider:primary"),
    ("nodes_down", "own"), ("resolver_down", "own")])
def test_services_of_one_cluster_that_fail_by_one_thing_have_one_place(service: Service, mechanism: str,
                                                                        where: str) -> None:
    shop, stock = (places(of(service, name), named(mechanism, where), "", NOTHING) for name in ("shop", "stock"))
    assert shop == stock and len(shop) == 1


@pytest.mark.parametrize("mechanism", ["bad_release", "bad_configuration", "rejected_credentials", "quota_exhausted",
                                       "network_policy", "memory_leak", "more_traffic", "refused_by_provider"])
def test_what_is_a_service_s_own_is_no_place(service: Service, mechanism: str) -> None:
    assert places(service, named(mechanism), "", NOTHING) == ()


def test_a_database_is_known_by_its_cluster_whatever_instance_is_configured(service: Service) -> None:
    assert service.database
    seen = Evidence([Finding(source="rds", window=WINDOW, detail=DatabaseCluster("payments-aurora"))])
    first, second = (replace(service, database=replace(service.database, instance=name)) for name in ("a-1", "a-2"))
    by_name = replace(service, database=replace(service.database, instance="", cluster="payments-aurora"))
    assert places(first, named("storage_full"), "", seen) == places(second, named("storage_full"), "", seen) == places(
        by_name, named("storage_full"), "", NOTHING)
    assert places(first, named("storage_full"), "", NOTHING) != places(second, named("storage_full"), "", NOTHING)
    elsewhere = replace(first, aws=AwsAccount(role_arn="arn:aws:iam::222222222222:role/x"))
    assert places(elsewhere, named("storage_full"), "", seen) != places(first, named("storage_full"), "", seen)


def test_a_name_within_a_namespace_is_another_thing_in_another_one(service: Service) -> None:
    def calls(host: str, name: str) -> tuple[str, ...]:
        return places(of(service, name, dependencies=(Dependency("cache", host=host),)),
                      named("dependency_fails", "dependency:cache"), "", NOTHING)

    assert calls("tokens", "shop") != calls("tokens", "stock")
    assert calls("cache.example.com", "shop") == calls("Cache.Example.com", "stock")


def test_clusters_that_lose_the_nodes_of_one_zone_share_the_zone(service: Service) -> None:
    lost = Evidence([Finding(source="kubernetes", window=WINDOW, detail=Nodes(
        names=("n1", "n2"), not_ready=("n2",), zones_down=("eu-central-1b",)))])
    other = replace(service, cluster=replace(service.cluster, name="another"))
    mine, theirs = (set(places(one, named("nodes_down", "own"), "", lost)) for one in (service, other))
    assert {in_words(place) for place in mine & theirs} == {"the availability zone eu-central-1b"}
    # A database that fails beside it has nothing to do with the nodes.
    assert not any("zone" in place for place in places(service, named("storage_full"), "", lost))


def test_an_event_of_aws_links_whose_resources_it_names(service: Service) -> None:
    def told(**more: Any) -> Evidence:
        event = ServiceEvent(**{"arn": "arn:e", "service": "RDS", "status": "open", "whose": "service",
                                "entities": ("db",), **more})
        return Evidence([Finding(source="aws_health", window=WINDOW, detail=ServiceEvents((event,)))])

    assert "aws-health/arn:e" in places(service, named("storage_full"), "", told())
    for more in ({"entities": ()}, {"whose": "unknown"}, {"status": "closed"}, {"service": "EC2"}):
        assert places(service, named("storage_full"), "", told(**more)) == places(
            service, named("storage_full"), "", NOTHING)


@pytest.mark.parametrize(("place", "words"), [
    ("aws/1/r/rds/payments-db", "the database payments-db"), ("provider/api.x", "the provider api.x"),
    ("cluster/payments", "the cluster payments"), ("node/payments/n1", "node n1 of cluster payments"),
    ("dependency/cache.example.com", "cache.example.com"), ("dependency/c/n/tokens", "tokens"),
    ("aws-health/arn:e", "what AWS reports as arn:e"), ("something/else", "something/else")])
def test_people_read_what_it_is(place: str, words: str) -> None:
    assert in_words(place) == words
