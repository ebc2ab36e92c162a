"""A database refuses who connects: the user or the password is wrong, or none is given.

Where one client of several says so, its own credentials are wrong; where all do, those of the database were changed.
The wordings are those of the servers and their drivers: MySQL's errors 1045 and 1698, PostgreSQL's 28P01 and 28000,
Redis' WRONGPASS and NOAUTH, MongoDB's 18, SQL Server's 18456, Oracle's ORA-01017, RabbitMQ's ACCESS_REFUSED.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from responder.checks import Check, Found
from responder.state import State
from responder.state.basics import Ref
from responder.state.databases import Use, clients, runs_here, server, uses
from responder.state.sayings import Saying, sayings

SAID = re.compile(
    r"[Aa]ccess denied for user|ER_ACCESS_DENIED|password authentication failed|28P01|[Rr]ole \"[^\"]*\" does not "
    r"exist|no pg_hba\.conf entry|SASL authentication failed|SCRAM-SERVER|[Pp]eer authentication failed|WRONGPASS|"
    r"NOAUTH|ERR (?:invalid password|AUTH)|[Cc]lient sent AUTH, but no password is set|"
    r"MongoServerError: Authentication failed|Exception authenticating MongoCredential|AuthenticationFailed|"
    r"requires authentication|ORA-01017|"
    r"[Ll]ogin failed for user|username .* and/or password are incorrect|ACCESS_REFUSED|"
    r"(?i:mongo|redis|sql|cassandra|amqp|database|jdbc|postgres).{0,200}?"
    r"(?i:authentication failed|auth failed|unauthori[sz]ed|invalid (?:username|credentials))|"
    r"(?i:authentication failed|auth failed).{0,120}?(?i:mongo|redis|sql|database|jdbc|postgres)", re.DOTALL)
_NO_GRANT = re.compile(r"to database '|command denied to user|permission denied for", re.IGNORECASE)
_ADDRESS = re.compile(r"@'?(\d{1,3}(?:\.\d{1,3}){3})")
"""A server names whom it refuses by the address from which he comes."""
_SECRETIVE = re.compile(r"USER|PASS|PWD|SECRET|CREDENTIAL|URL|URI|DSN|TOKEN", re.IGNORECASE)


def find(state: State) -> Iterator[Found]:
    """Yield clients that are refused; where all of a database's several clients are, the database."""
    known = uses(state)
    by_server: dict[Ref | None, dict[Ref, Saying]] = defaultdict(dict)
    for one in sayings(state, SAID):
        client = _client(state, one)
        its = server(state, client, one.text, known)
        best = by_server[its].get(client)
        if best is None or (one.times, one.text) > (best.times, best.text):
            by_server[its][client] = one
    for its, said in sorted(by_server.items(), key=lambda one: one[0] or Ref("", "", "")):
        everyone = clients(known, state, its) if its else frozenset()
        if its is not None and len(said) > 1 and everyone <= set(said):
            text = max(one.text for one in said.values())
            yield Found(str(its), f"{its} refuses all its clients' credentials: {', '.join(sorted(map(str, said)))}",
                        "stops", "said", (its.name, *(one.name for one in said)), text,
                        f"set the credentials of {its} to those that its clients have, or theirs to its own")
            continue
        for client, one in sorted(said.items()):
            where = f" by {its}" if its and its != client else ""
            what = "rights" if _NO_GRANT.search(one.text) else "credentials"
            odd = _odd(state, client, its, known)
            yield Found(str(client), f"{client} is refused{where}: its {what} are wrong{odd}", "stops", "said",
                        (client.name,), one.text, f"correct the user and password of {client}, or their Secret")


def _client(state: State, one: Saying) -> Ref:
    """Return who is refused: who says it, or, where the server says it, the pod that it names by its address."""
    match = _ADDRESS.search(one.text)
    if match and runs_here(state, one.owner):
        return next((state.owner(pod) for pod in state.pods if pod.address == match[1]), one.owner)
    return one.owner


def _odd(state: State, client: Ref, its: Ref | None, known: tuple[Use, ...]) -> str:
    """Return which variable of a client has another source than those of the same database's other clients."""
    others = clients(known, state, its) - {client} if its else frozenset()
    sources: dict[str, dict[Ref, tuple[str, str, str]]] = defaultdict(dict)
    for workload in state.apps:
        if workload.ref in others or workload.ref == client:
            for container in workload.template.containers:
                for variable in container.environment:
                    if _SECRETIVE.search(variable.name):
                        sources[variable.name][workload.ref] = (variable.value, variable.object, variable.key)
    for name, given in sorted(sources.items()):
        rest = {value for ref, value in given.items() if ref != client}
        if client in given and len(given) > 2 and len(rest) == 1 and given[client] not in rest:
            return f", {name} is not what the others have"
    return ""


CHECK = Check(id="database_credentials_wrong", family="runtime", sign="definition", find=find,
              follows=("missing_secret_binding", "missing_config"))
