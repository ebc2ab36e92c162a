"""The AWS engine in a process of its own, with what it lacks bridged, each gap in one function.

    python -m sandbox.engine     (GATEWAY_PORT and SANDBOX_ADMIN_PORT in the environment)

When the engine grows one of these, its function here can go.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
import time
from contextvars import ContextVar
from dataclasses import asdict
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from ministack import app
from ministack.core import iam_actions, iam_evaluator, lambda_runtime
from ministack.core.iam_evaluator import resolve_caller_identity
from ministack.core.responses import get_account_id, get_region
from ministack.core.router import extract_access_key_id
from ministack.services import cloudwatch, eks, eventbridge, lambda_svc, sts
from ministack.services.cloudformation import provisioners

from sandbox import appconfig, durable, emf, invocations, memory, quotas, rights, storage, versions
from sandbox.iam import bridge
from sandbox.places import ACCOUNT, PEOPLE, REGION


def main() -> None:
    """Bridge the gaps, then run the engine."""
    _hand_alarms_to_eventbridge()
    invocations.run_on_the_runtime_alone()
    invocations.unpack_code_once()
    invocations.answer_without_waiting_for_logs()
    invocations.wait_for_the_batching_window()
    invocations.invoke_events_without_waiting()
    invocations.start_executions_at_once()
    _keep_the_evaluator_still()
    _give_functions_their_role()
    _provision_access_entries()
    _provision_metric_math()
    _refer_to_secrets_by_arn()
    _tell_iam_of_items()
    bridge.bind_the_state_machine()
    bridge.bind_task_tokens()
    bridge.bind_the_rules()
    _trust_the_way()
    _name_the_callers_of_function_urls()
    versions.bridge()
    appconfig.bridge()
    storage.bridge()
    _read_metrics_in_logs()
    quotas.keep()
    memory.bridge()
    durable.bridge()
    threading.Thread(target=_serve_admin, daemon=True).start()
    app.main()


def put_aws_event(detail_type: str, source: str, resources: list[str], detail: dict[str, Any]) -> None:
    """Publish an event with an ``aws.*`` source on the default bus, which only AWS itself may."""
    eventbridge._put_events({"Entries": [{
        "Source": source, "DetailType": detail_type, "Resources": resources, "Detail": json.dumps(detail),
        "Time": time.time(), "EventBusName": "default"}]}, allow_aws_source=True)


def alarm_event(alarm: dict[str, Any], old_state: str, new_state: str, reason: str) -> dict[str, Any]:
    """Return the detail of a "CloudWatch Alarm State Change" (AWS: "Alarm events and EventBridge")."""
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "+0000"
    return {"alarmName": alarm["AlarmName"],
            "state": {"value": new_state, "reason": reason, "reasonData": alarm.get("StateReasonData", "{}"),
                      "timestamp": now},
            "previousState": {"value": old_state, "timestamp": now},
            "configuration": {"description": alarm.get("AlarmDescription", ""),
                              **({"alarmRule": alarm["AlarmRule"]} if "AlarmRule" in alarm else {"metrics": []})}}


def _hand_alarms_to_eventbridge() -> None:
    """An alarm's change of state reaches SNS, but not EventBridge."""
    dispatch = cloudwatch._dispatch_alarm_actions

    def both(alarm: dict[str, Any], old_state: str, new_state: str, reason: str) -> None:
        dispatch(alarm, old_state, new_state, reason)
        put_aws_event("CloudWatch Alarm State Change", "aws.cloudwatch",
                      [f"arn:aws:cloudwatch:{get_region()}:{get_account_id()}:alarm:{alarm['AlarmName']}"],
                      alarm_event(alarm, old_state, new_state, reason))

    cloudwatch._dispatch_alarm_actions = both


def _keep_the_evaluator_still() -> None:
    """The evaluator knows no dimensions and no metric math; sandbox/alarms.py evaluates as CloudWatch would."""
    cloudwatch._evaluate_all_alarms = lambda: None


_FUNCTIONS: dict[str, str] = {}
"""The access keys of the functions, and their names: theirs are the calls whose rights are evaluated."""


def _give_functions_their_role() -> None:
    """Each function runs as its own role, so that IAM and the cluster can tell who is calling."""

    def credentials(config: dict[str, Any]) -> dict[str, str]:
        role, name = config["Role"].rsplit("/", 1)[-1], config["FunctionName"][:64]
        digest = hashlib.sha256(f"{config['FunctionArn']}:{role}".encode()).hexdigest()
        key, secret, token = f"ASIA{digest[:16].upper()}", digest[16:56], digest[::-1]
        _FUNCTIONS[key] = config["FunctionName"]
        sts.register_session(key, {"Arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/{name}",
                                   "UserId": f"{role}:{name}", "SecretAccessKey": secret, "SessionToken": token})
        return {"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret, "AWS_SESSION_TOKEN": token}

    lambda_runtime.execution_credentials = credentials
    lambda_svc.execution_credentials = credentials


def _provision_access_entries() -> None:
    """CloudFormation knows no AWS::EKS::AccessEntry, though the EKS API does."""

    def create(logical_id: str, properties: dict[str, Any], stack_name: str) -> tuple[str, dict[str, Any]]:
        arn, cluster = properties["PrincipalArn"], properties["ClusterName"]
        eks._access_entries[eks._ae_key(cluster, arn)] = eks._build_access_entry(cluster, arn, {
            "kubernetesGroups": properties.get("KubernetesGroups", []), "type": properties.get("Type", "STANDARD")})
        return f"{arn}|{cluster}", {"AccessEntryArn": f"arn:aws:eks:{REGION}:{ACCOUNT}:access-entry/{cluster}"}

    def delete(physical_id: str, properties: dict[str, Any], *_: Any) -> None:
        arn, cluster = physical_id.split("|", 1)
        eks._access_entries.pop(eks._ae_key(cluster, arn), None)

    provisioners._RESOURCE_HANDLERS["AWS::EKS::AccessEntry"] = {"create": create, "delete": delete}


def _provision_metric_math() -> None:
    """An alarm on metric math is refused: its first metric stands for it here, and sandbox/alarms.py reads the
    expression from the template."""
    record = provisioners._cw_metric_alarm_record

    def without_math(name: str, properties: dict[str, Any]) -> Any:
        if properties.get("Metrics"):
            first = next(item["MetricStat"] for item in properties["Metrics"] if "MetricStat" in item)
            properties = {key: value for key, value in properties.items() if key != "Metrics"} | {
                "Namespace": first["Metric"]["Namespace"], "MetricName": first["Metric"]["MetricName"],
                "Dimensions": first["Metric"].get("Dimensions", []), "Period": first["Period"],
                "Statistic": first["Stat"]}
        return record(name, properties)

    provisioners._cw_metric_alarm_record = without_math


def _refer_to_secrets_by_arn() -> None:
    """A ``Ref`` to a secret gives its name here, and its ARN on AWS, without which no policy of a stack allows it."""
    handlers = provisioners._RESOURCE_HANDLERS["AWS::SecretsManager::Secret"]
    create, update, delete = handlers["create"], handlers["update"], handlers["delete"]

    def name(physical_id: str) -> str:
        return physical_id.rpartition(":secret:")[2].rpartition("-")[0] if ":secret:" in physical_id else physical_id

    def created(*given: Any) -> tuple[str, dict[str, Any]]:
        _, attributes = create(*given)
        return attributes["Arn"], attributes

    def updated(physical_id: str, *given: Any, **more: Any) -> Any:
        changed = update(name(physical_id), *given, **more)
        return (changed[1].get("Arn", physical_id), *changed[1:]) if isinstance(changed, tuple) else changed

    handlers.update({"create": created, "update": updated,
                     "delete": lambda physical_id, *given: delete(name(physical_id), *given)})


def _tell_iam_of_items() -> None:
    """For a DynamoDB request, the evaluator does not know the partitions or the attributes that it writes.

    A transaction's items are authorized one by one, each with keys of its own.
    """
    context, checks = iam_actions.dynamodb_service_context, iam_actions.dynamodb_transaction_checks
    waiting: ContextVar[tuple[dict[str, list[str]], ...]] = ContextVar("waiting", default=())

    def with_items(body: bytes) -> dict[str, Any]:
        return {**context(body), **rights.condition_keys(json.loads(body or b"{}"))}

    def each(action: str, body: bytes, *given: Any) -> Any:
        found = checks(action, body, *given)
        waiting.set(tuple(keys for _, keys in rights.transaction(json.loads(body))) if found else ())
        return found

    def enforced(access_key: str, action: str, service: str, region: str, resource_arn: str = "*",
                 service_context: Any = None) -> Any:
        if access_key not in _FUNCTIONS:
            return None  # a person at the sandbox, or the roles with which CDK deploys
        if service == "monitoring":
            return None  # the way to CloudWatch has asked (sandbox/vendors/proxy.py): it knows all alarms of a request
        if "dynamodb:EnclosingOperation" in (service_context or {}) and waiting.get():
            first, *rest = waiting.get()
            waiting.set(tuple(rest))
            service_context = {**service_context, **first}
        return bridge.enforced(_FUNCTIONS[access_key], access_key, action, service, region, resource_arn,
                               service_context or {})

    iam_actions.dynamodb_service_context, iam_actions.dynamodb_transaction_checks = with_items, each
    iam_evaluator.enforce = enforced


def _trust_the_way() -> None:
    """What comes to the engine is neither encrypted nor, after a stand-in has passed it on, signed for its address."""
    # On this machine nothing is encrypted on its way; to policies it is, as on AWS.
    iam_evaluator._request_origin = ContextVar("origin", default=("127.0.0.1", True))
    app.pin_request_origin = lambda source_ip, secure_transport: None
    # Stand-ins pass requests on under another path and port, so signatures are not calculated anew: who the caller is
    # goes by the access key, and what they may do by their role.
    iam_evaluator.authenticate = lambda access_key, account: None


def _name_the_callers_of_function_urls() -> None:
    """A Function URL of auth type AWS_IAM takes any header that looks signed, and does not say whose it is.

    Here the access key must be known, and the event names its owner (AWS: "Invoking Lambda function URLs"). The
    signature itself is not calculated anew.
    """
    for human in PEOPLE:
        sts.register_session(human.access_key, {
            "Arn": human.arn, "UserId": f"AROA0123456789ABCDEF0:{human.session}", "SecretAccessKey": human.secret_key})
    build, serve = lambda_svc._build_function_url_event, lambda_svc.handle_function_url_request

    def named(*given: Any, **more: Any) -> dict[str, Any]:
        event: dict[str, Any] = build(*given, **more)
        caller = None if more.get("anonymous") else resolve_caller_identity(extract_access_key_id(event["headers"]))
        if caller:
            event["requestContext"]["authorizer"] = {"iam": {
                "accessKey": caller["accessKey"], "accountId": caller["accountId"], "callerId": caller["userId"],
                "cognitoIdentity": None, "principalOrgId": caller["principalOrgId"], "userArn": caller["userArn"],
                "userId": caller["userId"]}}
        return event

    async def served(url_id: str, method: str, path: str, headers: dict[str, Any], *given: Any, **more: Any) -> Any:
        resolved = lambda_svc.resolve_function_url(url_id)
        if resolved and resolved[4].get("AuthType") == "AWS_IAM" and not (
                headers.get("authorization", "").startswith("AWS4-HMAC-SHA256 ")
                and resolve_caller_identity(extract_access_key_id(headers))):
            return 403, {"Content-Type": "application/json"}, b'{"Message":"Forbidden"}'
        return await serve(url_id, method, path, headers, *given, **more)

    lambda_svc._build_function_url_event, lambda_svc.handle_function_url_request = named, served


def _read_metrics_in_logs() -> None:
    """A function's log is kept, but the metrics in it are not read (sandbox/emf.py)."""
    keep = lambda_svc._emit_lambda_logs

    def both(func: dict[str, Any], request_id: str, log_text: str, *given: Any, **more: Any) -> None:
        keep(func, request_id, log_text, *given, **more)
        for namespace, data in emf.metric_data(log_text or ""):
            cloudwatch._put_metric_data({}, {"Namespace": namespace, "MetricData": data}, False, is_json=True)

    lambda_svc._emit_lambda_logs = both


class _Admin(BaseHTTPRequestHandler):
    """What the sandbox asks of the engine's own process; the responder does not know this port."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
        answer = getattr(self, "_" + self.path.strip("/").replace("-", "_"))(body)
        content = b"" if answer is None else json.dumps(answer).encode()
        self.send_response(200 if content else 204)
        if content:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _authorize(self, body: dict[str, Any]) -> dict[str, str]:
        """IAM's word on a call that a stand-in was asked."""
        return {"refused": bridge.refusal(iam_evaluator.enforce, body["access_key"], body["action"],
                                          body["resources"], body["keys"])}

    def _calls(self, body: dict[str, Any]) -> dict[str, Any]:
        return {"calls": [asdict(call) for call in bridge.CALLS.take()]}

    def _cool(self, body: dict[str, Any]) -> None:
        lambda_runtime.reset()

    def _die(self, body: dict[str, Any]) -> None:
        durable.die()

    def _lay_away_metrics(self, body: dict[str, Any]) -> None:
        memory.lay_away_metrics(float(body["began"]), float(body["ended"]))

    def _lay_away_items(self, body: dict[str, Any]) -> None:
        memory.lay_away_items(body["items"], float(body["began"]), float(body["ended"]))

    def _clear_metrics(self, body: dict[str, Any]) -> None:
        cloudwatch._metrics.clear()

    def _forget_ended(self, body: dict[str, Any]) -> None:
        memory.forget_ended()

    def _alarm_events(self, body: dict[str, Any]) -> None:
        alarm = {"AlarmName": body["name"], "AlarmDescription": body.get("description", "")}

        def storm() -> None:
            for _ in range(int(body["count"])):
                put_aws_event("CloudWatch Alarm State Change", "aws.cloudwatch",
                              [f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{body['name']}"],
                              alarm_event(alarm, "OK", "ALARM", body["reason"]))
                # A process per concurrent invocation is what two cores can bear only so many of.
                time.sleep(0.05)

        threading.Thread(target=storm, daemon=True).start()

    def _aws_event(self, body: dict[str, Any]) -> None:
        put_aws_event(body["detail_type"], body["source"], body["resources"], body["detail"])

    def _cluster(self, body: dict[str, Any]) -> None:
        """EKS names an endpoint where nothing listens: point it at the control plane."""
        record = eks._clusters.get_scoped(ACCOUNT, REGION, body["name"])
        record["endpoint"] = body["endpoint"]
        record["certificateAuthority"] = {"data": body["authority"]}
        record["status"] = "ACTIVE"

    def log_message(self, format: str, *args: Any) -> None:
        pass


def _serve_admin() -> None:
    ThreadingHTTPServer(("127.0.0.1", int(os.environ["SANDBOX_ADMIN_PORT"])), _Admin).serve_forever()


if __name__ == "__main__":
    main()
