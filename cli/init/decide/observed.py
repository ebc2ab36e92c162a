"""The sections of New Relic, Splunk and Prometheus."""

from __future__ import annotations

from collections.abc import Iterator

from cli.init.decide.components import Chosen
from cli.init.decide.standing import secret_lines
from cli.init.decide.telemetry import error_levels, like_versions, newrelic_fields, splunk_fields, splunk_search
from cli.init.document import Entry, Line, Part, Remark, Section, Todo
from cli.init.facts import Facts, MeshCalls, NewRelic, Splunk
from cli.init.readers import Asked

_DEFAULT_ENDPOINT = "https://api.newrelic.com/graphql"
_DEFAULT_LEVELS = ("ERROR", "FATAL")


def observed(asked: Asked, facts: Facts, chosen: Chosen) -> Iterator[Part]:
    """Yield the sections of the vendors that the user named."""
    if asked.newrelic_account:
        yield Section("newrelic", tuple(_newrelic(asked, facts, chosen)))
    else:
        yield Remark("New Relic was not named (--newrelic-account).")
    if asked.splunk_url:
        yield Section("splunk", tuple(_splunk(asked, facts, chosen)))
    else:
        yield Remark("Splunk was not named (--splunk-url). CloudWatch Logs may stand in its place: docs/sources.md.")
    if asked.prometheus_url:
        found = facts.of(MeshCalls).metrics
        yield Section("prometheus", (Entry("url", asked.prometheus_url), *(
            [Entry("convention", found, "seen")] if found else [Remark(
                "no request metrics of a known convention: `requests` and `errors` take PromQL of your own")])))


def _newrelic(asked: Asked, facts: Facts, chosen: Chosen) -> Iterator[Line]:
    yield Entry("account", asked.newrelic_account)
    yield from secret_lines(facts, "newrelic", "incident-response/newrelic", "newrelic", "a user key (NRAK-…)")
    if asked.newrelic_endpoint != _DEFAULT_ENDPOINT:
        yield Entry("endpoint", asked.newrelic_endpoint)
    if not facts.read(NewRelic):
        yield Remark("It could not be read: attributes have their usual names")
        return
    found = newrelic_fields(facts, chosen)
    if "component_attribute" not in found:
        names = [one.name for one in facts.of(NewRelic).applications]
        yield Todo("newrelic.component_attribute", "no application has a component's name; the account has "
                   + (", ".join(names[:12]) or "none"))
    for key, named in found.items():
        yield Entry(key, named.value, named.why or "no data has it, nor another attribute that is known for it")
    if not found["version_attribute"].why and (others := like_versions(facts)):
        yield Todo("newrelic.version_attribute", f"the deployed version; these sound like it: {', '.join(others)}")


def _splunk(asked: Asked, facts: Facts, chosen: Chosen) -> Iterator[Line]:
    yield Entry("url", asked.splunk_url)
    yield from secret_lines(facts, "splunk", "incident-response/splunk", "splunk", "an authentication token")
    search = splunk_search(asked, facts)
    if search.value:
        yield Entry("search", search.value, search.why)
    else:
        yield Todo("splunk.search", "the search that finds the service's logs, such as index=payments sourcetype=app; "
                   + ("no line of the last 15 min names a workload" if facts.read(Splunk) else "it could not be read"))
    if not facts.of(Splunk).fields:
        yield Remark("No fields were read: they have their usual names")
        return
    absent = []
    level = ""
    for key, named in splunk_fields(facts, chosen):
        if named.value:
            yield Entry(key, named.value, named.why)
            level = named.value if key == "level_field" else level
        elif key == "component_field":
            yield Todo("splunk.component_field", "the field whose values are the components' names; no field has them")
        else:
            absent.append(key)
    levels = sorted({*_DEFAULT_LEVELS, *error_levels(facts, level)})
    yield Entry("error_levels", levels, "the usual ones, and those that were seen")
    if absent:
        yield Remark(f"No field was found for: {', '.join(absent)}")
