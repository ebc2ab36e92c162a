"""Pods that have a node and do not start: by what kubelet, runtime and registry say, and by what is there."""

from __future__ import annotations

import pytest

from responder.state.images import image
from responder.state.state import Lines
from tests.unit.checks.cluster_objects import (
    EVERYTHING,
    Item,
    all_found,
    at,
    container,
    event,
    found,
    pod,
    problems,
    replica_set,
    running,
    waiting,
    workload,
)

ACCOUNT: Item = {"kind": "ServiceAccount", "metadata": {"name": "default", "namespace": "shop"}}
IMAGE = "registry.example.com/shop/pay:1.4"
PULL = f'Failed to pull image "{IMAGE}": '
RPC = f'{PULL}rpc error: code = Unknown desc = failed to pull and unpack image "{IMAGE}": failed to resolve ' \
      f'reference "{IMAGE}": '


def starting(status: Item, *more: Item, **spec: object) -> list[Item]:
    """A Deployment whose only pod has a node."""
    return [workload(there=1, **spec), replica_set(1, 1, **spec), ACCOUNT,
            pod(node="n1", status=status, **spec), *more]


PULLS = [
    ("incorrect_image_reference", f"{PULL}rpc error: code = NotFound desc = {IMAGE}: not found"),
    ("incorrect_image_reference", f"{PULL}rpc error: code = Unknown desc = Error response from daemon: manifest for "
     f"{IMAGE} not found: manifest unknown: manifest unknown"),
    ("incorrect_image_reference", f"{PULL}no match for platform in manifest: not found"),
    ("incorrect_image_reference", f"{PULL}reading manifest 1.4 in registry.example.com/shop/pay: manifest unknown"),
    ("incorrect_image_reference", f"{PULL}repository name not known to registry: name unknown"),
    ("missing_image_pull_secret", f"{RPC}failed to authorize: failed to fetch oauth token: unexpected status from GET "
     'request to https://auth.example.com/token: 401 Unauthorized'),
    ("missing_image_pull_secret", f"{RPC}unexpected status code [manifests 1.4]: 403 Forbidden"),
    ("missing_image_pull_secret", f"{PULL}rpc error: code = Unknown desc = Error response from daemon: Get "
     '"https://registry.example.com/v2/": no basic auth credentials'),
    ("missing_image_pull_secret", f"{RPC}pull access denied, repository does not exist or may require authorization: "
     "server message: insufficient_scope: authorization failed"),
    ("image_registry_dns_failure", f'{RPC}failed to do request: Head "https://registry.example.com/v2/": dial tcp: '
     "lookup registry.example.com on 10.0.0.2:53: no such host"),
    ("image_registry_dns_failure", f"{RPC}dial tcp: lookup registry.example.com: Temporary failure in name resolution"),
    ("image_registry_dns_failure", f"{RPC}dial tcp: lookup registry.example.com on 10.0.0.2:53: read udp 10.0.0.9:5->"
     "10.0.0.2:53: i/o timeout"),
    ("registry_unreachable", f"{RPC}failed to do request: dial tcp 192.0.2.1:443: i/o timeout"),
    ("registry_unreachable", f"{RPC}unexpected status from HEAD request: 503 Service Unavailable"),
    ("registry_unreachable", f"{PULL}toomanyrequests: You have reached your unauthenticated pull rate limit."),
    ("registry_unreachable", f"{RPC}tls: failed to verify certificate: x509: certificate signed by unknown authority"),
]


@pytest.mark.parametrize(("check", "message"), PULLS, ids=[f"{row[0]}-{place}" for place, row in enumerate(PULLS)])
def test_a_pull_that_fails_is_told_by_what_the_registry_says(check: str, message: str) -> None:
    told = [("deployment/pay", "said", ("pay",))]
    assert {one.check for one in problems(*starting(waiting("ErrImagePull", message.removeprefix(PULL))))
            if one.basis == "said" and one.family == "startup"} == {check}
    # Once it backs off, the reason is in the Event alone.
    backs_off = waiting("ImagePullBackOff", f'Back-off pulling image "{IMAGE}"')
    assert found(check, *starting(backs_off, event(message))) == told
    # A text of ``kubectl describe`` has no message of the waiting container.
    assert found(check, *starting(waiting("ImagePullBackOff"), event(message))) == told
    # It has been pulled since.
    well = starting(running(), event(message, seconds_ago=3_000))
    assert all_found(*well[1:], workload(there=1, ready=1)) == set()


def test_a_reference_that_cannot_be_read_and_a_pull_that_is_not_made_are_wrong_images() -> None:
    invalid = waiting("InvalidImageName", 'Failed to apply default image tag "shop/Pay": couldn\'t parse image name')
    assert all_found(*starting(invalid)) == {"incorrect_image_reference"}
    never = waiting("ErrImageNeverPull", f'Container image "{IMAGE}" is not present with pull policy of Never')
    assert all_found(*starting(never)) == {"incorrect_image_reference"}


HUB = "shop/pay:1.4"
DENIED = waiting("ErrImagePull", f'failed to resolve reference "docker.io/{HUB}": pull access denied, repository does '
                 "not exist or may require authorization: server message: insufficient_scope: authorization failed")


def beside(image_name: str, **spec: object) -> Item:
    return pod("web-1", "n1", "Running", status=running(), owner="", containers=[container(image=image_name)], **spec)


def test_a_private_repository_is_told_from_one_that_is_not_there_by_what_runs_beside() -> None:
    here = starting(DENIED, containers=[container(image=HUB)])
    # Nothing tells: both are told, and the second as a guess.
    assert {(one.check, one.basis) for one in problems(*here) if one.family == "startup"} == {
        ("missing_image_pull_secret", "said"), ("incorrect_image_reference", "guessed")}
    # What others pull from the same account needs no secret: the account is open, the repository is not there.
    assert all_found(*here, beside("shop/web:2")) == {"incorrect_image_reference"}
    # The same repository runs elsewhere: it is there.
    assert all_found(*here, beside("shop/pay:1.3")) == {"missing_image_pull_secret"}
    # The others pull with a secret that this one does not name.
    assert all_found(*here, beside("shop/web:2", imagePullSecrets=[{"name": "hub"}])) == {"missing_image_pull_secret"}


def test_a_pull_secret_that_is_not_there_is_seen_and_said() -> None:
    backs_off = waiting("ImagePullBackOff")
    named = starting(backs_off, imagePullSecrets=[{"name": "hub"}])
    assert found("missing_image_pull_secret", *named) == [("deployment/pay", "seen", ("pay",))]
    secret = {"kind": "Secret", "metadata": {"name": "hub", "namespace": "shop"}}
    assert found("missing_image_pull_secret", *named, secret) == []
    said = event("Unable to retrieve some image pull secrets (hub); attempting to pull the image may not succeed.",
                 reason="FailedToRetrieveImagePullSecret")
    unlisted = EVERYTHING._replace(known=frozenset({("ServiceAccount", "")}))
    assert found("missing_image_pull_secret", *named, said, base=unlisted) == [("deployment/pay", "seen", ("pay",))]
    running_well = [workload(there=1, ready=1, imagePullSecrets=[{"name": "hub"}]), ACCOUNT]
    assert [(one.check, one.severity) for one in problems(*running_well)] == [("missing_image_pull_secret", "risks")]


def test_a_back_off_of_which_nothing_else_is_known_is_a_guess() -> None:
    told = problems(*starting(waiting("ImagePullBackOff")))
    assert [(one.check, one.basis) for one in told] == [("incorrect_image_reference", "guessed")]


def test_names_of_images_are_taken_apart() -> None:
    assert image("nginx") == ("docker.io", "library/nginx", "")
    assert image("shop/pay:1.4") == ("docker.io", "shop/pay", "1.4")
    assert image("localhost:5000/pay@sha256:ab") == ("localhost:5000", "pay", "sha256:ab")


REFERS = {"containers": [container(env=[
    {"name": "URL", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "url"}}}])]}
SETTINGS: Item = {"kind": "ConfigMap", "metadata": {"name": "settings", "namespace": "shop"}, "data": {"url": "x"}}
CONFIG = [
    waiting("CreateContainerConfigError", 'configmap "settings" not found'),
    waiting("CreateContainerConfigError", "couldn't find key url in ConfigMap shop/settings"),
]


@pytest.mark.parametrize("status", CONFIG, ids=["object", "key"])
def test_a_reference_to_what_is_not_there_is_told_while_it_is_not(status: Item) -> None:
    assert found("missing_config", *starting(status, **REFERS)) == [("deployment/pay", "said", ("pay",))]
    assert all_found(*starting(status, **REFERS)) == {"missing_config", "container_not_created"}
    assert found("missing_config", *starting(status, SETTINGS, **REFERS)) == []
    assert found("missing_config", *starting(waiting("ContainerCreating"), **REFERS)) == [
        ("deployment/pay", "seen", ("pay",))]
    assert found("missing_config", *starting(waiting("ContainerCreating"), SETTINGS, **REFERS)) == []


def test_a_volume_of_a_secret_that_is_not_there_is_told_by_its_event() -> None:
    spec = {"volumes": [{"name": "tls", "secret": {"secretName": "tls"}}]}
    told = event('MountVolume.SetUp failed for volume "tls" : secret "tls" not found', reason="FailedMount")
    assert all_found(*starting(waiting("ContainerCreating"), told, **spec)) == {"missing_config"}
    unlisted = EVERYTHING._replace(known=frozenset())
    assert found("missing_config", *starting(waiting("ContainerCreating"), told, **spec), base=unlisted) == [
        ("deployment/pay", "said", ("pay",))]
    optional = {"volumes": [{"name": "tls", "secret": {"secretName": "tls", "optional": True}}]}
    assert all_found(*starting(waiting("ContainerCreating"), **optional)) == set()


def test_a_missing_key_of_pods_that_run_is_a_risk() -> None:
    other = {**SETTINGS, "data": {"host": "x"}}
    told = problems(workload(there=1, ready=1, **REFERS), ACCOUNT, other)
    assert [(one.check, one.severity) for one in told] == [("missing_config", "risks")]


def test_a_mount_that_fails_is_told_of_the_volume() -> None:
    told = event('MountVolume.SetUp failed for volume "data" : mount failed: exit status 32', reason="FailedMount")
    assert all_found(*starting(waiting("ContainerCreating"), told)) == {"volume_mount_failed"}
    well = [workload(there=1, ready=1), ACCOUNT, pod(node="n1", phase="Running", status=running()), told]
    assert all_found(*well) == set()


def test_a_mount_of_which_only_the_delay_is_said_is_told_where_nothing_explains_it() -> None:
    late = event("Unable to attach or mount volumes: unmounted volumes=[data], unattached volumes=[data]: timed out "
                 "waiting for the condition", reason="FailedMount")
    creating = waiting("ContainerCreating")
    assert all_found(*starting(creating, late)) == {"volume_mount_failed"}
    secret = event('MountVolume.SetUp failed for volume "tls" : secret "tls" not found', reason="FailedMount")
    assert all_found(*starting(creating, late, secret)) == {"missing_config"}


def test_a_container_that_must_not_be_root_is_not_created() -> None:
    said = waiting("CreateContainerConfigError", "container has runAsNonRoot and image will run as root (pod: x)")
    told = {one.check: one for one in problems(*starting(said)) if one.family == "startup"}
    assert set(told) == {"non_root_refused", "container_not_created"}
    assert "non_root_refused" in told["container_not_created"].follows
    contradicts = {"securityContext": {"runAsNonRoot": True, "runAsUser": 0}}
    assert found("non_root_refused", *starting(waiting("ContainerCreating"), **contradicts)) == [
        ("deployment/pay", "seen", ("pay",))]


def test_a_container_that_is_not_created_is_told_whatever_the_reason() -> None:
    assert all_found(*starting(waiting("CreateContainerError", "context deadline exceeded"))) == {
        "container_not_created"}


def ended(exit_code: int, message: str = "", reason: str = "Error") -> Item:
    return waiting("CrashLoopBackOff", "back-off 5m0s restarting failed container", lastState={"terminated": {
        "exitCode": exit_code, "reason": reason, "message": message, "finishedAt": at(60)}})


DATA = {"volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}],
        "containers": [container(volumeMounts=[{"name": "data", "mountPath": "/var/lib/pay"}])]}
CLAIM: list[Item] = [
    {"kind": "PersistentVolumeClaim", "metadata": {"name": "data", "namespace": "shop"},
     "spec": {"volumeName": "disk-1"}, "status": {"phase": "Bound"}},
    {"kind": "PersistentVolume", "metadata": {"name": "disk-1"}, "spec": {}, "status": {"phase": "Bound"}}]


def test_permission_is_denied_on_a_volume_by_log_end_and_kubelet() -> None:
    text = "mkdir: cannot create directory '/var/lib/pay/log': Permission denied"
    check = "volume_mount_permission_denied"
    logs = EVERYTHING._replace(lines=(Lines("pay", text),))
    assert found(check, *starting(ended(1), *CLAIM, **DATA), base=logs) == [("deployment/pay", "said", ("pay",))]
    assert found(check, *starting(ended(1, text), *CLAIM, **DATA)) == [("deployment/pay", "said", ("pay",))]
    mount = event('MountVolume.SetUp failed for volume "data" : mount.nfs: access denied by server while mounting '
                  "10.0.0.9:/data", reason="FailedMount")
    assert all_found(*starting(waiting("ContainerCreating"), mount, *CLAIM, **DATA)) == {check}
    elsewhere = EVERYTHING._replace(lines=(Lines("pay", "open /etc/shadow: permission denied"),))
    assert found(check, *starting(ended(1), *CLAIM, **DATA), base=elsewhere) == [("deployment/pay", "seen", ("pay",))]
    table = EVERYTHING._replace(lines=(Lines("pay", "ERROR: permission denied for table payments"),))
    assert found(check, *starting(ended(1), *CLAIM, **DATA), base=table) == [("deployment/pay", "guessed", ("pay",))]
    assert found(check, *starting(ended(1), *CLAIM, **DATA)) == []
    other_user = {**DATA, "securityContext": {"runAsUser": 1000}}
    assert found(check, *starting(ended(1), *CLAIM, **other_user)) == [("deployment/pay", "guessed", ("pay",))]
    in_group = {**DATA, "securityContext": {"runAsUser": 1000, "fsGroup": 1000}}
    assert found(check, *starting(ended(1), *CLAIM, **in_group)) == []


def test_a_read_only_file_system_is_told_by_who_writes_to_it() -> None:
    logs = EVERYTHING._replace(lines=(Lines("pay", "open /var/lib/pay/x: Read-only file system"),))
    assert found("read_only_volume", *starting(ended(1), *CLAIM, **DATA), base=logs) == [
        ("deployment/pay", "said", ("pay",))]


COMMANDS = [
    'failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: '
    'unable to start container process: exec: "payd": executable file not found in $PATH: unknown',
    'OCI runtime create failed: unable to start container process: exec: "/app/run.sh": permission denied: unknown',
    'OCI runtime create failed: exec: "/app/run": stat /app/run: no such file or directory: unknown',
    "executable file `payd` not found in $PATH: No such file or directory: OCI runtime attempted to invoke",
    "exec /usr/bin/payd: exec format error",
]


@pytest.mark.parametrize("message", COMMANDS, ids=range(len(COMMANDS)))
def test_a_command_that_cannot_be_run_is_told_by_the_runtime(message: str) -> None:
    assert all_found(*starting(ended(128, message, "StartError"))) == {"bad_command"}
    assert all_found(*starting(waiting("RunContainerError", message))) == {"bad_command", "container_not_created"}


def test_a_command_that_cannot_be_run_is_seen_by_its_exit_code() -> None:
    assert found("bad_command", *starting(ended(127))) == [("deployment/pay", "seen", ("pay",))]
    assert found("bad_command", *starting(ended(1))) == []
    probe = event('Readiness probe errored: rpc error: exec: "curl": executable file not found in $PATH')
    assert found("bad_command", *starting(ended(1), probe)) == []


def initial(state: Item, **more: Item) -> Item:
    return {"initContainerStatuses": [{"name": "wait", "ready": False, "state": state, **more}],
            "containerStatuses": [{"name": "app", "state": {"waiting": {"reason": "PodInitializing"}}}]}


WAITS_FIRST = {"initContainers": [container("wait", command=["wait-for", "db:5432"])]}


def test_an_init_container_that_fails_or_waits_holds_the_others() -> None:
    failed = initial({"terminated": {"exitCode": 1, "reason": "Error"}})
    assert all_found(*starting(failed, **WAITS_FIRST)) == {"init_container_fails"}
    long = initial({"running": {"startedAt": at(900)}})
    assert all_found(*starting(long, **WAITS_FIRST)) == {"init_container_held"}
    short = initial({"running": {"startedAt": at(20)}})
    assert all_found(*starting(short, **WAITS_FIRST)) == set()


def test_a_hook_that_fails_is_told() -> None:
    told = event("PostStartHook failed", reason="FailedPostStartHook")
    assert all_found(*starting(waiting("CrashLoopBackOff"), told)) == {"post_start_hook_failed"}


TWO = {"containers": [container(ports=[{"containerPort": 8080}]), container("proxy", ports=[{"containerPort": 8080}])]}


def test_two_containers_on_one_port_are_told_where_one_of_them_fails() -> None:
    assert found("port_conflict_in_pod", *starting(ended(1), **TWO)) == [("deployment/pay", "seen", ("pay",))]
    logs = EVERYTHING._replace(lines=(Lines("pay", "listen tcp :8080: bind: address already in use"),))
    assert found("port_conflict_in_pod", *starting(ended(1), **TWO), base=logs) == [
        ("deployment/pay", "said", ("pay",))]
    well = [workload(there=1, ready=1, **TWO), ACCOUNT, pod(node="n1", phase="Running", status=running(), **TWO)]
    assert all_found(*well, base=logs) == set()


SERVICE: Item = {"kind": "Service", "metadata": {"name": "pay", "namespace": "shop"},
                 "spec": {"selector": {"app": "pay"}}}


def test_a_workload_scaled_to_nothing_is_told_where_others_need_it() -> None:
    idle = workload(wanted=0)
    assert found("deployment_zero_replicas", idle, SERVICE) == [("deployment/pay", "seen", ("pay",))]
    assert found("deployment_zero_replicas", idle, base=EVERYTHING._replace(calls={"web": ("pay",)})) == [
        ("deployment/pay", "seen", ("pay",))]
    assert problems(idle) == ()
    # Blue is scaled away, and green serves behind the same Service.
    green = workload(name="green", there=1, ready=1)
    green["spec"]["template"]["metadata"]["labels"] = {"app": "pay"}
    assert found("deployment_zero_replicas", idle, green, SERVICE, ACCOUNT) == []
    primary = workload(name="pay-primary", there=1, ready=1)
    assert found("deployment_zero_replicas", idle, primary, SERVICE, ACCOUNT) == []


def test_a_paused_rollout_is_a_risk() -> None:
    paused = workload(there=1, ready=1)
    paused["spec"]["paused"] = True
    assert [(one.check, one.severity) for one in problems(paused, ACCOUNT)] == [("rollout_paused", "risks")]
