"""ElastiCache: the cache clusters and their endpoints. Formats: "Amazon ElastiCache API Reference"."""

from __future__ import annotations

from typing import Any

from cli.init.facts import CacheNode, Caches
from cli.init.readers import Asked, Known, Reader, pages


def read(asked: Asked, known: Known) -> Caches:
    """Return the cache clusters of the account and Region, where a workload names a host of ElastiCache."""
    if not any(".cache." in address.host for workload in known.workloads for address in workload.addresses):
        return Caches()
    elasticache = known.session.client("elasticache")
    groups = known.tried("replication groups", lambda: pages(
        elasticache, "describe_replication_groups", "ReplicationGroups"), [])
    of_groups: dict[str, set[str]] = {}
    for group in groups:
        ends = [group.get("ConfigurationEndpoint"), *(
            node.get(end) for node in group.get("NodeGroups") or [] for end in ("PrimaryEndpoint", "ReaderEndpoint"))]
        of_groups[group["ReplicationGroupId"]] = {_host(end) for end in ends if end}
    clusters = pages(elasticache, "describe_cache_clusters", "CacheClusters", ShowCacheNodeInfo=True)
    return Caches(tuple(CacheNode(
        one["CacheClusterId"], one.get("ReplicationGroupId", ""),
        tuple(sorted({_host(end) for end in [one.get("ConfigurationEndpoint"), *(
            node.get("Endpoint") for node in one.get("CacheNodes") or [])] if end}
            | of_groups.get(one.get("ReplicationGroupId", ""), set())))) for one in clusters))


def _host(endpoint: dict[str, Any]) -> str:
    return str(endpoint.get("Address", "")).lower()


READER = Reader(
    name="caches", title="ElastiCache's clusters", part=Caches, read=read,
    rights=("elasticache:DescribeCacheClusters", "elasticache:DescribeReplicationGroups"))
