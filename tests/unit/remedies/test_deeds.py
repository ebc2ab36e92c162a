"""What a remedy says that it does, and the commands that do and undo it by hand: complete, quoted, nothing secret."""

from __future__ import annotations

import json
import shlex
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from responder.clients import watched
from responder.model.change import ABSENT, Change, FieldChange
from responder.model.codec import encode
from responder.model.remedy import Remedy, digest
from responder.model.service import AppConfig, ProviderSwitch, Service
from responder.model.service.foreign_changes import ChangeFeeds, FlagService
from responder.plan import remedies
from responder.plan.changes import compare
from responder.plan.deeds import Deed, Site
from responder.plan.remedies import (
    OnRecord,
    cordon_node,
    cycle_deployment,
    restart_pods,
    restore_configuration,
    restore_database,
    restore_parameter_group,
    restore_security_group,
    rollback,
    scale_up,
    switch_provider,
    turn_flag_back,
)
from responder.plan.remedies.restore_configuration import Step
from responder.plan.security_rules import Permission, RuleChange, Target
from tests.conftest import shipped_service

REGION = "eu-central-1"
RULE = RuleChange("RevokeSecurityGroupIngress", "sg-1", (
    Permission("tcp", 5432, 5432, (Target("UserIdGroupPairs", "sg-2"),)),), 1764117000.0, "ada")
POLICY = {"podSelector": {"matchLabels": {"app": "payment-gateway"}}, "policyTypes": ["Egress"], "egress": []}


def deed(name: str, before: Any, parameters: Any, target: str = "deployment/backend",
         service: Service | None = None) -> Deed:
    """Return what a remedy of the shipped service says of a plan."""
    return remedies.find(name).deed(Site(service or shipped_service(), REGION),
                                    OnRecord(target, "backend", before, parameters))


def restoring(*steps: Step) -> Deed:
    return deed("restore_configuration", restore_configuration.Before(), restore_configuration.Parameters(steps))


def changed(kind: str, *fields: FieldChange) -> Step:
    return Step(Change(kind, "settings", "changed", 1e9, 1e9, "kubectl-edit", fields), "u")
FLAG = ("curl --fail -X PATCH -H \"Authorization: $LAUNCHDARKLY_KEY\" -H 'Content-Type: application/json; "
        "domain-model=launchdarkly.semanticpatch' -d '{\"environmentKey\":\"production\",\"instructions\":"
        "[{\"kind\":\"%s\"}]}' https://app.launchdarkly.com/api/v2/flags/shop/tariff")


DEEDS = {
    "rollback": (deed("rollback", rollback.Before(2, "b", ("r/b:1.1.0",)),
                      rollback.Parameters(1, "a", "u", 3, ("r/b:1.0.0",))),
                 "Roll deployment/backend back to 1.0.0 (revision 1)",
                 ["kubectl -n payments rollout undo deployment/backend --to-revision=1"],
                 ["kubectl -n payments rollout undo deployment/backend --to-revision=2"]),
    "scale_up": (deed("scale_up", scale_up.Before(4), scale_up.Parameters(8, now=6)),
                 "Scale deployment/backend from 6 to 8 pods",
                 ["kubectl -n payments scale deployment/backend --replicas=8"],
                 ["kubectl -n payments scale deployment/backend --replicas=4"]),
    "scale_up by an autoscaler": (
        deed("scale_up", scale_up.Before(4, "backend", 2, 6), scale_up.Parameters(8)),
        "Scale deployment/backend from 4 to 8 pods",
        ["kubectl -n payments patch horizontalpodautoscaler backend --type merge -p "
         """'{"spec":{"minReplicas":8,"maxReplicas":8}}'"""],
        ["kubectl -n payments patch horizontalpodautoscaler backend --type merge -p "
         """'{"spec":{"minReplicas":2,"maxReplicas":6}}'"""]),
    "a created object": (
        restoring(Step(Change("NetworkPolicy", "pci-lockdown", "created", 1e9, 1e9, "kubectl-create"), "u", POLICY)),
        "Delete the NetworkPolicy pci-lockdown", ["kubectl -n payments delete networkpolicy pci-lockdown"],
        ["""printf %s '{"apiVersion":"networking.k8s.io/v1","kind":"NetworkPolicy","""
         """"metadata":{"name":"pci-lockdown"},"""
         f""""spec":{json.dumps(POLICY, separators=(",", ":"))}}}' | kubectl -n payments create -f -"""]),
    "a container's limit": (
        restoring(changed("Deployment", FieldChange(("template", "spec", "containers", "app", "resources", "limits",
                                                     "cpu"), "1", "100m"))),
        "Set template.spec.containers.app.resources.limits.cpu of the Deployment settings back to 1",
        ["kubectl -n payments patch deployment settings --type strategic -p '"
         """{"spec":{"template":{"spec":{"containers":[{"name":"app","resources":{"limits":{"cpu":"1"}}}]}}}}'"""],
        ["kubectl -n payments patch deployment settings --type strategic -p '"
         """{"spec":{"template":{"spec":{"containers":[{"name":"app","resources":{"limits":{"cpu":"100m"}}}]}}}}'"""]),
    "a reboot": (
        deed("restore_database", restore_database.Before(zone="a"),
             restore_database.Parameters(restore_database.Reboot("payments-db", True, 1e9)), "rds/payments-db"),
        "Reboot the database payments-db with failover to its standby",
        ["aws rds reboot-db-instance --region eu-central-1 --db-instance-identifier payments-db --force-failover"], []),
    "more storage": (
        deed("restore_database", restore_database.Before(gib=100),
             restore_database.Parameters(restore_database.MoreStorage("payments-db", 120)), "rds/payments-db"),
        "Raise the storage of the database payments-db from 100 to 120 GiB",
        ["aws rds modify-db-instance --region eu-central-1 --db-instance-identifier payments-db "
         "--allocated-storage 120 --apply-immediately"], []),
    "a parameter group": (
        deed("restore_parameter_group", restore_parameter_group.Before({"work_mem": "64", "max_locks": "1"}),
             restore_parameter_group.Parameters("pg", {"work_mem": "4096", "max_locks": None}, "payments-db"),
             "parameter-group/pg"),
        "Set max_locks and work_mem of the parameter group pg back to what they were",
        ["aws rds modify-db-parameter-group --region eu-central-1 --db-parameter-group-name pg --parameters "
         """'[{"ParameterName":"work_mem","ParameterValue":"4096","ApplyMethod":"immediate"}]'""",
         "aws rds reset-db-parameter-group --region eu-central-1 --db-parameter-group-name pg --parameters "
         """'[{"ParameterName":"max_locks","ApplyMethod":"immediate"}]'"""],
        ["aws rds modify-db-parameter-group --region eu-central-1 --db-parameter-group-name pg --parameters "
         """'[{"ParameterName":"max_locks","ParameterValue":"1","ApplyMethod":"immediate"},"""
         """{"ParameterName":"work_mem","ParameterValue":"64","ApplyMethod":"immediate"}]'"""]),
    "a flag": (
        deed("turn_flag_back", turn_flag_back.State(True), turn_flag_back.Parameters("tariff", False), "flag/tariff",
             replace(shipped_service(), foreign_changes=ChangeFeeds(flags=FlagService("r", "shop", write_secret="w")))),
        "Turn the flag tariff back off",
        [FLAG % "turnFlagOff"], [FLAG % "turnFlagOn"]),
    "a security group": (
        deed("restore_security_group", restore_security_group.Before((RULE,)),
             restore_security_group.Parameters((RULE,)), "security-group/sg-1"),
        "Let tcp 5432 from sg-2 through the security group sg-1 again",
        ["aws ec2 authorize-security-group-ingress --region eu-central-1 --group-id sg-1 --ip-permissions "
         """'[{"IpProtocol":"tcp","FromPort":5432,"ToPort":5432,"UserIdGroupPairs":[{"GroupId":"sg-2"}]}]'"""],
        ["aws ec2 revoke-security-group-ingress --region eu-central-1 --group-id sg-1 --ip-permissions "
         """'[{"IpProtocol":"tcp","FromPort":5432,"ToPort":5432,"UserIdGroupPairs":[{"GroupId":"sg-2"}]}]'"""]),
    "pods on a bad node": (
        deed("restart_pods", restart_pods.Before(), restart_pods.Parameters(
            (restart_pods.Pod("a", "1"), restart_pods.Pod("b", "2"), restart_pods.Pod("c", "3")), ("node-1",), 2, 5)),
        "Restart 3 of 5 pods of deployment/backend, and close node-1 to new pods",
        ["kubectl -n payments cordon node-1", "kubectl -n payments delete pod a b",
         "kubectl -n payments delete pod c"], ["kubectl -n payments uncordon node-1"]),
    "a node that harms its pods": (
        deed("cordon_node", cordon_node.Before(3), cordon_node.Parameters("node-1", tuple(
            cordon_node.Pod(name, name, "deployment/backend", "payments") for name in ("a", "b", "c")), 2),
            "node/node-1"),
        "Close node-1 to new pods, and move 3 pods off it",
        ["kubectl -n payments cordon node-1", "kubectl -n payments delete pod a b",
         "kubectl -n payments delete pod c"], ["kubectl -n payments uncordon node-1"]),
    "a cycle": (
        deed("cycle_deployment", cycle_deployment.Replicas(3), cycle_deployment.Replicas(3)),
        "Scale deployment/backend to no pods and back to 3",
        ["kubectl -n payments scale deployment/backend --replicas=0",
         "kubectl -n payments rollout status deployment/backend",
         "kubectl -n payments scale deployment/backend --replicas=3"], []),
}


@pytest.mark.parametrize("case", DEEDS)
def test_a_deed_is_told_with_its_commands(case: str) -> None:
    said, title, by_hand, undo = DEEDS[case]
    assert (said.title, list(said.by_hand), list(said.undo)) == (title, by_hand, undo)


SWITCHES = {
    "a ConfigMap": (ProviderSwitch(config_map="flags", key="it's"), (
        """kubectl -n payments patch configmap flags --type merge -p '{"data":{"it'"'"'s":"adyen"}}'""",)),
    "a parameter": (ProviderSwitch(ssm_parameter="/pay/provider"), (
        "aws ssm put-parameter --region eu-central-1 --name /pay/provider --value adyen --overwrite",)),
    "AppConfig": (ProviderSwitch(key="provider", appconfig=AppConfig("a1", "e1", "p1")), (
        'aws appconfigdata get-latest-configuration --region eu-central-1 --configuration-token "$(aws appconfigdata '
        "start-configuration-session --region eu-central-1 --application-identifier a1 --environment-identifier e1 "
        '--configuration-profile-identifier p1 --query InitialConfigurationToken --output text)" now.json',
        "jq --arg key provider --arg value adyen '.[$key] = $value' now.json > new.json",
        "aws appconfig start-deployment --region eu-central-1 --application-id a1 --environment-id e1 "
        "--configuration-profile-id p1 --deployment-strategy-id AppConfig.AllAtOnce --configuration-version "
        '"$(aws appconfig create-hosted-configuration-version --region eu-central-1 --application-id a1 '
        "--configuration-profile-id p1 --content-type application/json --content fileb://new.json --query "
        'VersionNumber --output text made.json)"')),
}


@pytest.mark.parametrize("place", SWITCHES)
def test_the_provider_is_written_where_the_platform_reads_it(service: Service, place: str) -> None:
    switch, commands = SWITCHES[place]
    said = deed("switch_provider", switch_provider.Value("stripe"), switch_provider.Value("adyen"), "x",
                replace(service, provider_switch=switch))
    assert said.title == "Use the provider adyen in place of stripe" and said.by_hand == commands
    assert said.undo == tuple(command.replace("adyen", "stripe") for command in commands)


@given(st.text(min_size=1, max_size=30))
def test_an_odd_name_is_one_word_of_the_command(name: str) -> None:
    said = deed("scale_up", scale_up.Before(4), scale_up.Parameters(8), f"deployment/{name}")
    command, = said.by_hand
    assert shlex.split(command)[4] == f"deployment/{name}"


_LEAF = st.integers(0, 999) | st.booleans()
_BODY = st.recursive(st.dictionaries(st.sampled_from("abcd"), _LEAF, max_size=3), lambda inner: st.dictionaries(
    st.sampled_from("abcd"), inner | _LEAF | st.lists(_LEAF, max_size=3), max_size=3), max_leaves=8)


def merged(target: Any, patch: Any) -> Any:
    """Apply a JSON merge patch (RFC 7386)."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value)
    return result


@given(_BODY, _BODY)
def test_the_commands_patch_makes_the_object_as_it_was_and_its_undo_as_it_is(before: Any, after: Any) -> None:
    fields = tuple(compare(before, after))
    said = restoring(changed("NetworkPolicy", *fields))
    if not fields or any(not field.path for field in fields):
        return
    for (command, start, end) in ((*said.by_hand, after, before), (*said.undo, before, after)):
        assert merged({"spec": start}, json.loads(shlex.split(command)[-1])) == {"spec": end}


def test_what_is_not_shown_is_in_no_command() -> None:
    hidden = restoring(changed("ConfigMap", FieldChange(("data", "GREETING"), "the old one is long", "5")))
    assert hidden.title == "Set data.GREETING of the ConfigMap settings back to what it was"
    assert hidden.by_hand == () and "the old one" not in "".join(hidden.undo)
    two = restoring(changed("ConfigMap", FieldChange(("data", "GREETING"), "the old one is long", "5")),
                    changed("ConfigMap", FieldChange(("data", "TIMEOUT_MS"), "500", ABSENT)))
    assert two.by_hand == () and "500" not in str(two.by_hand)  # a part of a remedy is not the remedy
    group = deed("restore_parameter_group", restore_parameter_group.Before({"password_key": "hunter2"}),
                 restore_parameter_group.Parameters("pg", {"password_key": "hunter3"}, "db"))
    assert "hunter" not in str(group)


def test_a_list_that_a_patch_does_not_match_by_name_has_no_command() -> None:
    assert restoring(changed("Service", FieldChange(("ports", "http", "targetPort"), 80, 81))).by_hand == ()


def test_every_kind_that_is_created_again_has_the_version_that_the_ledger_reads() -> None:
    own = {kind: groups[0].split("/", 1)[1] for kind, (groups, *_) in watched.KINDS.items() if kind != "Node"}
    assert own == restore_configuration.API_VERSIONS


def test_the_summary_says_who_made_it_and_when() -> None:
    created = Change("NetworkPolicy", "pci-lockdown", "created", 1e9, 1e9, "kubectl-create")
    assert restore_configuration.summary([created]) == (
        "delete the NetworkPolicy pci-lockdown (created 01:46:40 UTC by kubectl-create)")
    unknown = replace(created, what="deleted", latest=1e9 + 60, by="")
    assert restore_configuration.summary([unknown]) == (
        "create again the NetworkPolicy pci-lockdown (deleted between 01:46:40 and 01:47:40 UTC)")
    # Whoever wrote under the responder's name is not known.
    assert " by " not in restore_configuration.summary([replace(created, by="incident-responder")])
    assert restore_security_group.summary([RULE]) == (
        "let tcp 5432 from sg-2 through security group sg-1 again (taken away 00:30:00 UTC by ada)")
    assert restore_security_group.summary([replace(RULE, at=0.0, by="")]).endswith("again (taken away)")


def test_the_digest_covers_the_words_and_the_commands() -> None:
    plan = Remedy(1, "scale_up", summary="s", deed="d", by_hand="h", undo="u")
    others = [replace(plan, deed="D"), replace(plan, by_hand="H"), replace(plan, undo="U"), replace(plan, undo="")]
    assert len({plan.digest, *(other.digest for other in others)}) == 5
    old = {key: value for key, value in encode(replace(plan, deed="", by_hand="", undo="")).items()
           if key not in ("deed", "by_hand", "undo")}
    assert digest(old) == replace(plan, deed="", by_hand="", undo="").digest, "a plan from before they were kept"
