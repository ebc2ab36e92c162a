"""Whether EKS lets each function into the cluster, in the group that its rights are bound to.

Source: the EKS API Reference's pages "DescribeAccessEntry" and "DescribeCluster" (accessConfig.authenticationMode).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial

from botocore.exceptions import ClientError

from cli.doctor.account import Account, is_missing
from cli.doctor.model import Check, Probe, broken, well
from cli.doctor.surroundings import Surroundings, attempted, side_by_side
from responder.model.service import Service
from responder.sources.kubernetes import READERS
from stacks.cluster_groups import groups_of
from stacks.elsewhere import function_name, ledger_suffix
from stacks.network import ledger_units
from stacks.rbac import group_of


def _look(here: Surroundings) -> Iterable[Check]:
    here.account.client("lambda")
    return here.of_each(lambda service: _of_service(here, service))


def _of_service(here: Surroundings, service: Service) -> Iterator[Check]:
    there, cluster = here.place(service), service.cluster.name
    there.client("eks")
    yield from attempted(f"cluster {cluster}", lambda: _mode(there, cluster))
    yield from _summed(side_by_side({
        f"access entry of {function}": partial(_of, here.account, there, cluster, function, group)
        for function, group in entries(here, service)}), cluster)


def entries(here: Surroundings, service: Service) -> list[tuple[str, str]]:
    """Return the entries that a service's cluster should have: function, group."""
    prefix = here.settings.prefix
    found = {(function_name(prefix, kind, name), group_of(here.settings, group))
             for kind, name, group in groups_of(service, here.every)}
    found |= {(prefix + ledger_suffix(unit), group_of(here.settings, READERS))
              for unit in ledger_units(here.every) if service in unit.services}
    return sorted(found)


def _mode(account: Account, cluster: str) -> Iterator[Check]:
    with account.asking("eks"):
        try:
            described = account.client("eks").describe_cluster(name=cluster)["cluster"]
        except ClientError as error:
            if not is_missing(error):
                raise
            yield broken(f"cluster {cluster}", "EKS has no cluster of this name here",
                         "cluster.name in the configuration")
            return
    mode = str(described.get("accessConfig", {}).get("authenticationMode") or "")
    yield of_cluster(cluster, str(described.get("status")), mode)


def of_cluster(cluster: str, status: str, mode: str) -> Check:
    """Judge a cluster's status and authentication mode."""
    subject = f"cluster {cluster}"
    if mode == "CONFIG_MAP":
        return broken(subject, "its authentication mode is CONFIG_MAP, so access entries count for nothing",
                      f"aws eks update-cluster-config --name {cluster} --access-config "
                      "authenticationMode=API_AND_CONFIG_MAP")
    if status != "ACTIVE":
        return broken(subject, f"EKS says that it is {status}", "look at the cluster in the EKS console")
    return well(subject, f"active{f', authentication mode {mode}' if mode else ''}")


def _of(home: Account, there: Account, cluster: str, function: str, group: str) -> Iterator[Check]:
    with home.asking("lambda"):
        try:
            role = str(home.client("lambda").get_function_configuration(FunctionName=function)["Role"])
        except ClientError as error:
            if not is_missing(error):
                raise
            return  # The probe of functions, or of sources, says so.
    with there.asking("eks"):
        try:
            entry = there.client("eks").describe_access_entry(clusterName=cluster, principalArn=role)["accessEntry"]
        except ClientError as error:
            if not is_missing(error):
                raise
            entry = None
    yield judged(cluster, function, role, group, None if entry is None else entry.get("kubernetesGroups", []))


def judged(cluster: str, function: str, role: str, group: str, groups: Iterable[str] | None) -> Check:
    """Judge one function's access entry; ``groups`` are those that it has, None where there is none."""
    subject = f"access entry of {function}"
    if groups is None:
        return broken(subject, f"there is none in {cluster}: the cluster does not know the function",
                      f"aws eks create-access-entry --cluster-name {cluster} --principal-arn {role} "
                      f"--kubernetes-groups {group}; or deploy again: make deploy")
    found = sorted(groups)
    if found != [group]:
        return broken(subject, f"its groups in {cluster} are {', '.join(found) or 'none'}, and {group} is expected",
                      f"aws eks update-access-entry --cluster-name {cluster} --principal-arn {role} "
                      f"--kubernetes-groups {group}")
    return well(subject, group)


def _summed(checks: Iterable[Check], cluster: str) -> list[Check]:
    found = list(checks)
    fine = [check for check in found if check.verdict == "well" and check.subject.startswith("access entry")]
    rest = [check for check in found if check not in fine]
    return [*rest, *([well(f"{len(fine)} access entries of {cluster}", "each in its group")] if fine else [])]


PROBE = Probe("access-entries", "EKS access entries of the functions", _look,
              ("eks:DescribeCluster", "eks:DescribeAccessEntry", "lambda:GetFunctionConfiguration"))
