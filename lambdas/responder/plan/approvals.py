"""Who may answer a question, how many must, and for which a bearer link may exist: pure functions.

Sources: AWS's pages "Invoking Lambda function URLs" (the caller in payload version 2.0), "IAM identifiers" and "Control
access to Lambda function URLs"; for session names "Monitor and control actions taken with assumed roles".
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Literal

from responder.model.frozen import dataclass
from responder.model.incident import Remedy
from responder.model.service import Person, Service
from responder.plan import remedies

Way = Literal["iam", "slack", "link", "execution"]
Decision = Literal["approve", "reject", "instead", "done"]
"""``instead``: another remedy first."""
TaskKind = Literal["approval", "manual"]
_RISKS = {"low": 1, "medium": 2, "high": 3}
_LINKS = {"low": 1, "medium": 2}
"""The highest risk for which links are made; anything else that a configuration may hold: none are."""
_ARN = re.compile(r"arn:aws(?:-[a-z]+)*:(iam|sts)::(\d{12}):(root|user/.+|assumed-role/([^/]+)/([^/]+)|.+)")
_IDENTITY_CENTER = "AWSReservedSSO_"
"""IAM Identity Center names its roles so, and sets the name of each session itself: that of the user."""


class NotAllowed(Exception):
    """Somebody may not answer; the message says why, as they are told."""


@dataclass(frozen=True)
class Voter:
    """Who answers, as whatever vouches for it says."""

    way: Way
    shown: str
    """As the record and messages show them."""
    id: str = ""
    """What tells them from others of the same way, in lower case: a user's or session's name, a Slack user's id."""
    arn: str = ""
    """By IAM: the caller's whole ARN."""
    vouched: bool = True
    """Whether the id cannot be chosen by who answers. The name of a role's session can, where the role is not one of
    IAM Identity Center's."""
    person: str = ""
    """The name of the person of the team that it is; empty where no one of the team has this identity."""

    @property
    def key(self) -> str:
        """What two answers of one person have in common: the same for each way, role and spelling."""
        return f"person:{_name(self.person)}" if self.person else f"{self.way}:{self.id}"


@dataclass(frozen=True)
class IamCaller:
    """Who called a Function URL of auth type AWS_IAM, as AWS says it; see ``handlers/request.py``."""

    arn: str
    account: str = ""
    """Empty where AWS did not say."""
    id: str = ""
    """Of a role: the role's id, a colon, and the session's name."""


@dataclass(frozen=True)
class SlackPress:
    """A button in Slack that somebody pressed, from a payload whose signature is checked already."""

    user: str
    """The user's id."""
    type: str
    is_bot: bool = False
    app: str = ""
    """The app's id."""
    team: str = ""
    """The workspace's id."""
    user_team: str | None = None
    """The id of the user's own workspace; None where Slack did not say."""


def caller(service: Service, iam: IamCaller) -> Voter:
    """Return who called a Function URL of auth type AWS_IAM.

    Raises NotAllowed for the root user, and for what names no user and no session.
    """
    found = _ARN.fullmatch(iam.arn)
    if found is None or (iam.account or found[2]) != found[2]:
        raise NotAllowed("AWS did not say who you are")
    if found[3] == "root":
        raise NotAllowed("the root user is nobody in particular; answer as yourself")
    service_name, account, what, role, session = found.groups()
    if session and (iam.id or session).rpartition(":")[2] != session:
        raise NotAllowed("AWS did not say who you are: the session has two names")
    name = session or what.rpartition("/")[2]
    person = next((person for person in service.team if person.iam and is_of(person.iam, iam.arn)), None)
    of_user = service_name == "iam" and what.startswith("user/")
    vouched = of_user or bool(person) or bool(role and role.startswith(_IDENTITY_CENTER))
    # An e-mail address is masked wherever it is shown; what stands before the @ says as much.
    short = name.partition("@")[0] or name
    place = f"role {role} of account {account}" if role else f"account {account}"
    return Voter("iam", f"{person.name} ({short}, {place})" if person else f"{short} ({place})", _name(short), iam.arn,
                 vouched, person.name if person else "")


def is_of(pattern: str, arn: str) -> bool:
    """Whether a caller's ARN is the one that a person has in the configuration; ``*`` may stand in a role's name."""
    return fnmatchcase(arn.casefold(), pattern.casefold().replace("[", "[[]"))


def in_slack(service: Service, press: SlackPress) -> Voter:
    """Return who pressed a button; raises NotAllowed."""
    settings = service.slack
    if settings is None:
        raise NotAllowed("Slack is not configured")
    if press.type != "block_actions" or not re.fullmatch(r"[UW][A-Z0-9]+", press.user):
        raise NotAllowed("this is no button that a person pressed")
    if press.is_bot or press.user == "USLACKBOT":
        raise NotAllowed("a bot decides nothing")
    if settings.app and press.app != settings.app:
        raise NotAllowed("the button is of another app")
    if settings.team and (press.team != settings.team or press.user_team not in (None, settings.team)):
        raise NotAllowed("you are of another Slack workspace")
    person = next((person for person in service.team if person.slack == press.user), None)
    if person is None:
        raise NotAllowed("only the team decides; their Slack ids are in the service's configuration")
    return Voter("slack", f"{person.name} ({press.user} in Slack)", press.user.lower(), person=person.name)


def held_link(service: Service, to: str) -> Voter:
    """Return who answers by a link: nobody knows, but to whom it was sent. Raises NotAllowed."""
    person = next((person for person in service.team if called(person) == to), None)
    if person is None:
        raise NotAllowed(f"{to} is no longer one of the team")
    return Voter("link", f"whoever holds the link sent to {to}", _name(to), vouched=False, person=person.name)


def starter(execution: str) -> Voter:
    """Return who marks a task as done by an execution."""
    name = execution.rpartition(":")[2]
    return Voter("execution", f"whoever may start executions (execution {name})", name, vouched=False)


def called(person: Person) -> str:
    """How somebody of the team is named in questions and links."""
    return f"{person.role}: {person.name}"


def needed(service: Service, action: str) -> int:
    """How many people must approve a remedy."""
    return 2 if action in service.approval.two_person else 1


def link_refused(service: Service, kind: TaskKind, remedy: Remedy | None) -> str:
    """Say why there may be no bearer link to a question; empty where there may be.

    To mark a manual task as done changes nothing and is of low risk. A risk that is not known is high.
    """
    allowed = _LINKS.get(str(service.approval.links), 0)
    if not allowed:
        return "links are not used here (approval.links)"
    if kind == "manual":
        return ""
    if remedy is None or not remedy.action:
        return "there is no record of the remedy"
    if needed(service, remedy.action) > 1:
        return "two people must approve this, and a link says nothing of who holds it"
    if _RISKS.get(remedy.risk, 3) > min(allowed, 2):
        return f"the risk is {remedy.risk or 'not known'}, and links are for {service.approval.links} risk at most"
    return ""


def risk_refused(service: Service, action: str) -> str:
    """Say why a link may not choose another remedy: a link that could not decide on it cannot bring it about either."""
    known = action in remedies.names()
    return link_refused(service, "approval", Remedy(0, action, risk=remedies.find(action).risk) if known else None)


def check(service: Service, kind: TaskKind, remedy: Remedy | None, decision: str, voter: Voter) -> int:
    """Return how many must approve, where somebody may answer a question so; raises NotAllowed.

    It looks at the configuration and at the remedy's record alone, as they are at the time of the answer.
    """
    if voter.way == "execution" and kind != "manual":
        raise NotAllowed("an execution decides nothing: whoever may start one need not be able to approve")
    if voter.way == "link" and (why := link_refused(service, kind, remedy)):
        raise NotAllowed(f"this link cannot be used: {why}")
    if kind == "manual":
        return 1
    if remedy is None or not remedy.action:
        raise NotAllowed("there is no record of the remedy")
    approvers = [person for person in service.team if person.role in service.approval.roles]
    roles = ", ".join(service.approval.roles)
    if voter.way in ("slack", "link") and voter.person not in {person.name for person in approvers}:
        raise NotAllowed(f"only {roles} may decide this (approval.roles)")
    if voter.way == "iam" and any(person.iam for person in approvers) and voter.person not in {
            person.name for person in approvers if person.iam}:
        raise NotAllowed(f"only {roles} may decide this, by the identities in team[].iam; you are {voter.shown}")
    count = needed(service, remedy.action)
    if count > 1 and decision == "approve" and not voter.vouched:
        raise NotAllowed(f"{count} people must approve this, and who assumes a role may choose the session's name: "
                         f"answer as a user of IAM Identity Center or IAM, or be named in team[].iam; you are "
                         f"{voter.shown}")
    return count


def person_asked(name: str) -> str:
    """Return somebody who was asked, ``role: name`` in the record, as a sentence has them: ``name (role)``."""
    role, colon, person = name.partition(": ")
    return f"{person} ({role})" if colon else name


def commands(url: str, region: str, incident: str, task: str, kind: str,
             prefix: str = "incident-response") -> str:
    """Return the commands that answer a question by IAM, each complete: they read credentials from the environment.

    ``url`` is that of the function that takes answers; empty where it is not known. ``prefix`` is the deployment's.
    curl's option --aws-sigv4 signs the request. Lasting keys have no session token, and then another header stands in
    its place: an empty one curl would sign and not send. The header's name and value stand apart, so that nothing takes
    the variable for a secret and masks it.
    """
    shown = shlex.quote(url) if url else '"$ANSWER_URL"'
    lines = [f"# To answer as yourself in AWS (policy {prefix}-approver), first once in the shell:",
             'eval "$(aws configure export-credentials --format env)"']
    if not url:
        lines.append("# ANSWER_URL is the output AnswerUrl of the stack.")
    answers = (("approve", "To approve"), ("reject", "To reject")) if kind == "approval" else (
        ("done", "To mark it as done"),)
    for decision, words in answers:
        body = json.dumps({"incident": incident, "task": task, "decision": decision})
        lines.append(
            f'# {words}:\ncurl --aws-sigv4 "aws:amz:{region or "$AWS_REGION"}:lambda" '
            '--user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" '
            """-H "$([ "$AWS_SESSION_TOKEN" ] && printf 'x-amz-%s: %s' security-token "$AWS_SESSION_TOKEN" """
            """|| echo 'accept: application/json')" """
            f"-H 'content-type: application/json' -d {shlex.quote(body)} {shown}")
    return "\n".join(lines)


def people(keys: Sequence[str]) -> int:
    """Return how many people some voters' keys are for certain.

    Somebody of the team and a caller whom the team's configuration does not name may be one person: such count once.
    """
    distinct = set(keys)
    named = {key for key in distinct if key.startswith("person:")}
    return max(len(named), len(distinct - named))


def _name(text: str) -> str:
    return " ".join(text.split()).casefold()
