"""What no system tells: how the responder may act, whom it tells, and where its secrets are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from cli.init.document import Entry, Line, Part, Remark, Section, Todo
from cli.init.facts import Facts, Secrets
from responder.model.service import Database, ProviderSwitch
from responder.model.service.limits import Policy

_TO_SWITCH = 2
"""Providers among which there is one to switch to."""
POLICY: Mapping[str, tuple[Policy, str]] = {
    "rollback": ("auto", ""), "restart_pods": ("auto", ""), "scale_up": ("auto", ""), "cordon_node": ("approve", ""),
    "switch_provider": ("auto", "provider_switch, and two providers"), "inform_provider": ("auto", "providers"),
    "inform_customers": ("approve", ""), "restore_configuration": ("approve", ""), "cycle_deployment": ("approve", ""),
    "engage_network_team": ("auto", ""), "restore_database": ("approve", "database"),
    "restore_parameter_group": ("approve", "database.parameter_group"),
    "hide_payment_method": ("approve", "payments"), "turn_flag_back": ("approve", "foreign_changes"),
    "cap_retries": ("auto", "switches"), "shed_load": ("approve", "switches"), "fail_open": ("approve", "switches"),
    "restore_security_group": ("approve", "aws.security_groups")}
"""Each action's policy in mode ``auto``, as shipped, and the part of the configuration that it needs."""


def policy(database: Database | None, switch: ProviderSwitch | None, providers: int) -> Section:
    """Return the policy of the actions for which the configuration has what they need; the others are off."""
    there = {
        "", *(["database"] if database else []), *(["providers"] if providers else []),
        *(["provider_switch, and two providers"] if switch and providers >= _TO_SWITCH else []),
        *(["database.parameter_group"] if database and (
            database.parameter_group or database.cluster_parameter_group) else [])}
    without: dict[str, list[str]] = {}
    for action, (_, needs) in POLICY.items():
        if needs not in there:
            without.setdefault(needs, []).append(action)
    lines: list[Line] = [Entry(action, how) for action, (how, needs) in POLICY.items() if needs in there]
    if switch and providers < _TO_SWITCH:
        lines.append(Todo("policy.switch_provider", "auto, once there is a provider to switch to"))
    lines += [Remark(f"off, for they need `{needs}`: {', '.join(names)}") for needs, names in sorted(without.items())]
    return Section("policy", tuple(lines), "Per action: auto, approve or \"off\"; it counts in mode auto alone, and an "
                   "action that is not named is off. docs/remedies.md says what each does.")


def secret_of(facts: Facts, usual: str, word: str) -> tuple[str, str, bool]:
    """Return the name of a secret, why it is this one, and whether it is there: the usual name, or one with a word."""
    names = facts.of(Secrets).names
    if usual in names:
        return usual, "seen: it is in Secrets Manager", True
    fits = [name for name in names if word in name.lower().replace("-", "").replace("_", "")]
    if len(fits) == 1:
        return fits[0], "a guess by its name", True
    return usual, "", False


def secret_lines(facts: Facts, section: str, usual: str, word: str, what: str) -> Iterator[Line]:
    """Yield the line of a secret, and what is to be done where it is not there."""
    name, why, there = secret_of(facts, usual, word)
    yield Entry("secret", name, why or "the usual name")
    if not there:
        yield Todo(f"{section}.secret", f"put {what} there as a plain string: aws secretsmanager create-secret "
                   f"--name {name} --secret-string file://KEY")


def people(facts: Facts) -> list[Part]:
    """Return the channels whose secrets are there, and what only people know."""
    names, parts = facts.of(Secrets).names, list[Part]()
    base = "incident-response/"
    if f"{base}pagerduty" in names:
        lines: list[Line] = [Entry("secret", f"{base}pagerduty", "seen: an Events API v2 integration's routing key")]
        if f"{base}pagerduty-api" in names:
            lines.append(Todo("pagerduty.api_secret", f"{base}pagerduty-api, a REST API key by which others are asked "
                              "to join, with requester (P…) and requester_email: the user who asks"))
        parts.append(Section("pagerduty", tuple(lines)))
    if f"{base}slack" in names:
        signing = [Entry("signing_secret", f"{base}slack-signing", "seen: for buttons")] if (
            f"{base}slack-signing" in names) else []
        parts.append(Section("slack", (Entry("secret", f"{base}slack", "seen: a bot token"), *signing)))
    if f"{base}statuspage" in names:
        parts.append(Todo("statuspage", f"{{secret: {base}statuspage, page: ID, components: {{COMPONENT: ID}}}}, by "
                          "the ids of the page that customers read"))
    missing = [name for name in ("pagerduty", "slack") if f"{base}{name}" not in names]
    if missing:
        parts.append(Remark(f"Optional channels, when their secrets are there: {', '.join(missing)} (docs/people.md)."))
    parts += [Todo("team", "who is asked and told: [{name: SRE on call, role: sre, email: …, slack: U…, iam: arn:…}]; "
                   "`approval.roles` ([sre]) are asked for approvals"),
              Todo("notify_emails", "who reads of every incident by e-mail: [sre@example.com]")]
    return parts
