"""Files with one mistake each, and what a check must say of it: written before the messages were.

Each begins as ``base.yaml``, which is sound. ``old`` stands there once and becomes ``new``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

BASE = Path(__file__).with_name("base.yaml").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Said:
    """What one line of the answer must have."""

    field: str
    """As people write it: ``components[0].calls[1]``."""
    at: str
    """A text that stands on the line that is named, and on no other; empty: the file as a whole is named."""
    words: tuple[str, ...]
    """Parts of what was found and of what was expected."""
    severity: str = "error"


@dataclass(frozen=True)
class Broken:
    """One file."""

    name: str
    old: str
    new: str
    said: tuple[Said, ...]
    never: tuple[str, ...] = field(default=())
    """What nothing that is printed may contain."""
    encoding: str = "utf-8"
    schema: bool = False
    """Whether the JSON Schema refuses it as well."""

    @property
    def text(self) -> str:
        assert BASE.count(self.old) == 1, f"{self.name}: {self.old!r} stands {BASE.count(self.old)} times in the base"
        return BASE.replace(self.old, self.new)


def one(name: str, old: str, new: str, place: str, at: str, *words: str, severity: str = "error",
        never: tuple[str, ...] = (), encoding: str = "utf-8", schema: bool = False) -> Broken:
    """A file with one mistake that is told of in one line."""
    return Broken(name, old, new, (Said(place, at, words, severity),), never, encoding, schema)


def warned(name: str, old: str, new: str, place: str, at: str, *words: str) -> Broken:
    """A file that works, and is probably not meant."""
    return one(name, old, new, place, at, *words, severity="warning")


POLICY = "policy:\n  rollback: auto\n  switch_provider: auto\n  restore_configuration: approve\n"
BEFORE_POLICY = BASE[BASE.index("mode: observe"):BASE.index(POLICY) + len(POLICY)]
PEM = "-----BEGIN RSA PRIVATE KEY-----"
NEW_RELIC_KEY = "NRAK-" + "7Q2WERTYUIOPASDFGHJKLZXCVB1"
AWS_KEY = "AKIA" + "IOSFODNN7EXAMPLE"
SLACK_TOKEN = "xoxb-" + "2048-4096-abcdefghijklmnop"
HEX_KEY = "c0ffee11" * 4
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJlLW9mLWl0"

YAML = (
    one("the later of two modes", "mode: observe\n", "mode: observe\nmode: auto\n", "mode", "mode: auto",
        "line 3", "once"),
    one("a repeated section", "reports:\n  requests: orders\n",
        "reports:\n  requests: orders\nrecovery:\n  hold_seconds: 10  # again\n", "recovery",
        "recovery:\n  hold_seconds: 10", "line 79", "once"),
    one("a repeated key deep inside", "    host: api.acquirer.example\n  - name: reserve",
        "    host: api.acquirer.example\n    host: api.other.example\n  - name: reserve", "providers[0].host",
        "api.other.example", "once"),
    one("a repeated key in braces", "  components:\n    web: \"000000000001\"",
        "  components: {web: a1, web: b2}", "statuspage.components.web", "{web: a1, web: b2}", "once"),
    one("a repeated key in an anchor that is used elsewhere", "  - name: web\n    role: frontend\n    calls: [orders]",
        "  - &first\n    name: web\n    role: frontend\n    role: backend\n    calls: [orders, shop]\n"
        "  - {<<: *first, name: shop, calls: []}", "components[0].role", "    role: backend\n    calls: [orders, shop]",
        "once"),
    one("two merges of one mapping", "  - name: acquirer\n    host: api.acquirer.example\n  - name: reserve\n"
        "    host: api.reserve.example",
        '  - &one {name: acquirer, host: api.acquirer.example, health_url: "https://a.example"}\n'
        '  - &two {name: reserve, host: api.reserve.example, health_url: "https://b.example"}\n'
        "  - {<<: [*one, *two], name: third, host: c.example}", "providers[2].health_url", "<<: [*one, *two]",
        "two merged mappings"),
    one("a tab", "cluster:\n  name: shop-cluster", "cluster:\n\tname: shop-cluster", "", "\tname: shop-cluster",
        "tab", "spaces"),
    one("wrong indentation", "  name: shop-cluster\n  namespace: shop\n", "  name: shop-cluster\n    namespace: shop\n",
        "", "    namespace: shop", "indent"),
    one("a section that slipped out", "cluster:\n  name: shop-cluster\n  namespace: shop",
        "cluster:\n  name: shop-cluster\nnamespace: shop", "namespace", "namespace: shop\n\ncomponents",
        "unknown field", "cluster.namespace"),
    one("no blank behind the colon", "mode: observe", "mode:observe", "", "mode:observe", "space", "colon"),
    one("a quote that never ends", "description: Sells things.", 'description: "Sells things.', "",
        'description: "Sells', "quote", "never"),
    one("a bracket that never ends", "    calls: [orders]", "    calls: [orders", "", "    calls: [orders\n",
        "[", "never"),
    one("a colon within a text", "description: Sells things.", "description: Sells: things.", "", "Sells: things",
        "colon", "quotes"),
    one("a star that is no alias", "    host: api.reserve.example",
        "    host: api.reserve.example\n    hosts: [*.reserve.example]", "", "*.reserve.example", "*", "quotes"),
    one("an alias of nothing", "entry: web", "entry: *web", "", "entry: *web", "*web", "quotes"),
    one("a tag", "entry: web", "entry: !Ref web", "entry", "entry: !Ref", "!Ref"),
    one("a template's braces", "entry: web", "entry: {{ entry }}", "entry", "entry: {{", "quotes"),
    one("an empty file", BASE, "# nothing yet\n", "", "", "empty"),
    one("a list in place of fields", BASE, "- service: shop\n", "", "- service", "a list", "fields"),
    one("two documents", "entry: web\n", "entry: web\n---\nservice: other\n", "", "---", "second document", "file"),
    one("another encoding", "description: Sells things.", "description: Verkauft Gegenstände.", "",
        "description: Verkauft", "UTF-8", encoding="cp1252"),
    one("UTF-16", "description: Sells things.", "description: Sells things!", "", "", "UTF-16", "UTF-8",
        encoding="utf-16"),
    one("curly quotes", "description: Sells things.", "description: “Sells things.”", "description", "“Sells",
        "quotes"),
    one("a blank that is none", "  - name: reserve", "  - name: reserve\u00a0two", "providers[1].name", "reserve\u00a0",
        "no-break space"),
)
"""What YAML itself makes of a text."""

KINDS = (
    one("a text in place of a list", "  canaries: [shop-checkout]", "  canaries: shop-checkout", "metrics.canaries",
        "canaries: shop-checkout", "'shop-checkout'", "a list: [shop-checkout]", schema=True),
    one("a mapping in place of a list", "    calls: [orders]", "    calls: {orders: yes}", "components[0].calls",
        "calls: {orders", "a mapping", "a list", schema=True),
    one("one component that is no list", "freezes: []", 'freezes: {start: "fri 18:00", end: "mon 06:00"}',
        "guardrails.freezes", "freezes: {start", "a mapping", "a list of mappings", schema=True),
    one("a percentage", "alarms:\n  error_rate: 0.05", "alarms:\n  error_rate: 5%", "alarms.error_rate",
        "error_rate: 5%", "'5%'", "0.05", schema=True),
    one("a percentage as a number", "alarms:\n  error_rate: 0.05", "alarms:\n  error_rate: 5", "alarms.error_rate",
        "error_rate: 5\n", "5", "0.05"),
    one("minutes in place of seconds", "  hold_seconds: 300", "  hold_seconds: 5m", "recovery.hold_seconds",
        "hold_seconds: 5m", "'5m'", "seconds as a number", "300", schema=True),
    one("a time of day that YAML takes for a number", "  wait_seconds: 900", "  wait_seconds: 15:00",
        "approval.wait_seconds", "wait_seconds: 15:00", "15:00", "900"),
    one("an octal number", "  account: 1234567", "  account: 0123456", "newrelic.account", "account: 0123456",
        "0123456", "octal"),
    one("a number in place of a text", '    web: "000000000001"', "    web: 000000000001", "statuspage.components.web",
        "    web: 0000", "000000000001", "quotes", '"000000000001"', schema=True),
    one("a country that is false", "  - name: reserve", "  - name: no", "providers[1].name", "- name: no", "false",
        'quotes: "no"'),
    one("an action that is a bare off", "  rollback: auto", "  rollback: off", "policy.rollback", "rollback: off",
        "'off' in quotes", schema=False),
    one("a truth value that is a number", "  period_seconds: 60", "  period_seconds: true", "metrics.period_seconds",
        "period_seconds: true", "true", "a whole number", schema=True),
    one("a number in quotes", "  account: 1234567", '  account: "1234567"', "newrelic.account", 'account: "1234567"',
        "without quotes", schema=True),
    one("half a second", "  hold_seconds: 300", "  hold_seconds: 300.5", "recovery.hold_seconds", "hold_seconds: 300.5",
        "300.5", "whole", schema=True),
    one("not a number", "  minimum_confidence: 0.8", "  minimum_confidence: .nan", "guardrails.minimum_confidence",
        "minimum_confidence: .nan", ".nan", "a number"),
    one("a word that is no truth value", "  cloudtrail: true", "  cloudtrail: enabled", "aws.cloudtrail",
        "cloudtrail: enabled", "'enabled'", "true or false", schema=True),
    one("a mode that is none", "mode: observe", "mode: obsreve", "mode", "mode: obsreve", "'obsreve'", "'observe'?",
        schema=True),
    one("a misspelt field", "  hold_seconds: 300", "  hold_second: 300", "recovery.hold_second", "hold_second: 300",
        "unknown field", "'hold_seconds'?", schema=True),
    one("a field in the wrong section", "  canaries: [shop-checkout]", "  search: index=shop2", "metrics.search",
        "search: index=shop2", "unknown field", "splunk.search", schema=True),
    one("a section without its fields", "  secret: responder/newrelic\n", "", "newrelic.secret", "newrelic:", "nothing",
        "this field: The Secrets Manager secret that holds the user key", schema=True),
    one("a key that is no text", "  rollback: auto", "  on: auto", "policy.on", "on: auto",
        "on, which YAML reads as true", schema=True),
    one("a misspelt section", "reports:\n", "report:\n", "report", "report:\n", "unknown field", "'reports'?",
        schema=True),
    one("a section without anything", "approval:\n  wait_seconds: 900\n  roles: [sre]\n", "approval:\n", "approval",
        "approval:\n", "nothing", "a mapping of fields", schema=True),
)
"""Values of another kind than the field's."""

SECRETS = (
    one("a key of New Relic", "  secret: responder/newrelic", f"  secret: {NEW_RELIC_KEY}", "newrelic.secret",
        "secret: NRAK", "looks like a key", "the name of a secret in Secrets Manager",
        never=(NEW_RELIC_KEY, "7Q2WERTY"), schema=True),
    one("a token of Slack", "  secret: responder/slack\n", f"  secret: {SLACK_TOKEN}\n", "slack.secret", "secret: xoxb",
        "looks like", "the name of a secret", never=(SLACK_TOKEN, "abcdefghijklmnop"), schema=True),
    one("a routing key", "  secret: responder/pagerduty", f"  secret: {HEX_KEY}", "pagerduty.secret", HEX_KEY,
        "looks like", "the name of a secret", never=(HEX_KEY,), schema=True),
    one("a password in an address", "  url: https://splunk.shop.example:8089",
        "  url: https://admin:hunter2hunter2@splunk.shop.example:8089", "splunk.url", "hunter2", "password",
        never=("hunter2",)),
    one("a token in a search", "  search: index=shop", "  search: index=shop token=8d1bfa9c2e7744aa", "splunk.search",
        "8d1bfa9c", "looks like", never=("8d1bfa9c2e7744aa",)),
    one("an access key of AWS in a comment", "entry: web", f"entry: web  # {AWS_KEY}", "", AWS_KEY, "AWS access key",
        never=(AWS_KEY,)),
    one("a private key", "description: Sells things.",
        f"description: |\n  {PEM}\n  MIIEowIBAAKCAQEA7Zq3\n  -----END RSA PRIVATE KEY-----", "description",
        "description: |", "private key", never=("MIIEowIBAAKCAQEA7Zq3",)),
    one("a field for a password", "  account: 1234567", "  account: 1234567\n  api_key: hunter2hunter2",
        "newrelic.api_key", "api_key", "Secrets Manager", never=("hunter2",), schema=True),
    one("a web token in place of a number", "  account: 1234567", f"  account: {JWT}", "newrelic.account", "eyJhb",
        "looks like", never=(JWT, "eyJhbGciOiJIUzI1NiJ9"), schema=True),
    one("the ARN of a secret", "  secret: responder/splunk",
        "  secret: arn:aws:secretsmanager:us-east-1:123456789012:secret:responder/splunk-AbCdEf", "splunk.secret",
        "arn:aws:secretsmanager", "ARN", "responder/splunk", schema=True),
)
"""What must not stand in a file. No value of it is printed. They are put together here so that no scanner finds them.
"""

NAMES = (
    one("a vendor that is not known", "slack:\n", "datadog:\n  site: eu\nslack:\n", "datadog", "datadog:",
        "unknown source 'datadog'", "known are", "newrelic", "splunk", schema=True),
    one("a channel that is not known", "slack:\n", "opsgenie:\n  team: x\nslack:\n", "opsgenie", "opsgenie:",
        "unknown channel 'opsgenie'", "known are", "pagerduty", schema=True),
    one("a vendor in another spelling", "newrelic:\n", "new_relic:\n", "new_relic", "new_relic:", "'newrelic'?",
        schema=True),
    one("a callee that is nobody", "calls: [orders-db, acquirer, sessions]", "calls: [order-db, acquirer, sessions]",
        "components[1].calls[0]", "[order-db,", "'order-db'", "'orders-db'?"),
    one("an entry that is nobody", "entry: web", "entry: wbe", "entry", "entry: wbe", "'wbe'", "web"),
    one("an action that is none", "  rollback: auto", "  rolback: auto", "policy.rolback", "rolback: auto",
        "unknown action", "'rollback'?", schema=True),
    one("a component that calls itself", "    calls: [orders]", "    calls: [orders, web]", "components[0].calls[1]",
        "calls: [orders, web]", "itself"),
    one("two things of one name", "  - name: reserve", "  - name: orders", "providers[1].name",
        "  - name: orders\n    host", "'orders'", "component"),
    one("a component of the status page that is nobody", '    web: "000000000001"', '    wbe: "000000000001"',
        "statuspage.components.wbe", "wbe:", "unknown component", "'web'?"),
    one("a developer of nobody's component", "    components: [orders]", "    components: [order]",
        "team[2].components[0]", "components: [order]", "'order'", "'orders'?"),
    one("a channel by its name", "  signing_secret: responder/slack-signing",
        '  signing_secret: responder/slack-signing\n  channel: "#outages"', "slack.channel", "#outages", "C0123456789"),
    one("an address without a scheme", "  url: https://splunk.shop.example:8089", "  url: splunk.shop.example:8089",
        "splunk.url", "url: splunk", "https://"),
    one("a field of the deployment", "mode: observe", "mode: observe\nprefix: stage", "prefix", "prefix: stage",
        "deployment.yaml", schema=True),
    one("a search that begins with search", "  search: index=shop", "  search: search index=shop", "splunk.search",
        "search: search", "without"),
    one("an ARN in place of a cluster's name", "  name: shop-cluster",
        "  name: arn:aws:eks:eu-west-1:123456789012:cluster/shop-cluster", "cluster.name", "arn:aws:eks", "name",
        "shop-cluster"),
)
"""Names that nothing has."""

CONTRADICTIONS = (
    one("given up before it could hold", "  give_up_seconds: 900", "  give_up_seconds: 240", "recovery.give_up_seconds",
        "give_up_seconds: 240", "240", "hold_seconds (300)"),
    one("looked at less often than given up", "  check_every_seconds: 30", "  check_every_seconds: 600",
        "recovery.check_every_seconds", "check_every_seconds: 600", "hold_seconds (300)"),
    one("at most below every", "  check_every_seconds: 30",
        "  check_every_seconds: 30\n  check_at_most_every_seconds: 20", "recovery.check_at_most_every_seconds",
        "check_at_most", "check_every_seconds (30)"),
    one("aftercare that ends before it begins", "  check_every_seconds: 30",
        "  check_every_seconds: 30\n  aftercare_seconds: 600", "recovery.aftercare_seconds", "aftercare_seconds: 600",
        "calm_seconds (1800)"),
    Broken("one source, where two must agree",
           "newrelic:\n  account: 1234567\n  secret: responder/newrelic\n\nsplunk:\n"
           "  url: https://splunk.shop.example:8089\n  secret: responder/splunk\n  search: index=shop\n", "",
           (Said("service", "service: shop", ("metrics (CloudWatch) alone", "two", "newrelic")),)),
    one("more sources than there are", "  minimum_sources: 2", "  minimum_sources: 40", "guardrails.minimum_sources",
        "minimum_sources: 40", "40", "sources are asked"),
    one("a window shorter than a period", "  window_seconds: 180", "  window_seconds: 30", "confirm.window_seconds",
        "window_seconds: 30", "period_seconds (60)"),
    one("no remedy an hour", "  remedies_per_hour: 6", "  remedies_per_hour: 0", "guardrails.remedies_per_hour",
        "remedies_per_hour: 0", "0", "1 or more"),
    one("an automatic action without what it needs", "provider_switch:\n  config_map: orders-config\n  key: PROVIDER\n",
        "", "policy.switch_provider", "switch_provider: auto", "never run", "provider_switch", severity="warning"),
    one("two people for what nobody is asked", "  roles: [sre]", "  roles: [sre]\n  two_person: [rollback]",
        "approval.two_person[0]", "two_person: [rollback]", "'rollback'", "auto", "approve", severity="warning"),
    one("nobody who could answer for two", "    slack: U0BOB\n    iam: arn:aws:iam::123456789012:user/bob\n",
        "    email: bob@shop.example\n", "team[1]", "  - name: Bob", "Bob", "iam", severity="warning"),
    one("a role that nobody has", "  roles: [sre]", "  roles: [dba]", "approval.roles[0]", "roles: [dba]", "'dba'",
        "developer, sre"),
    one("a freeze that ends before it starts", "  freezes: []",
        "  freezes:\n    - {start: 2026-12-24T00:00:00Z, end: 2026-12-20T00:00:00Z}", "guardrails.freezes[0].end",
        "start: 2026-12-24", "2026-12-20", "after start"),
    one("a freeze of no time", "  freezes: []", '  freezes:\n    - {start: "fri 18:00", end: "fri 18:00"}',
        "guardrails.freezes[0].end", "fri 18:00", "another time than start"),
    one("a freeze without a zone", "  freezes: []",
        '  freezes:\n    - {start: "2026-12-24T00:00:00", end: "2026-12-27T00:00:00Z"}', "guardrails.freezes[0].start",
        "2026-12-24", "zone"),
    one("a share of more than all", "  minimum_sources: 2", "  minimum_sources: 2\n  reach_share: 50",
        "guardrails.reach_share", "reach_share: 50", "0.5 for 50%"),
    one("storage by less than RDS grows it", "  minimum_sources: 2", "  minimum_sources: 2\n  storage_growth: 0.05",
        "guardrails.storage_growth", "storage_growth: 0.05", "0.1"),
    one("everything is severe", "reports:\n  requests: orders\n",
        "reports:\n  requests: orders\n  severities:\n    sev1: [{}]\n", "reports.severities.sev1[0]", "sev1: [{}]",
        "no limit"),
    one("people asked in the name of nobody", "  secret: responder/pagerduty",
        "  secret: responder/pagerduty\n  requester: P0000001\n  api_secret: responder/pagerduty-api",
        "pagerduty.requester_email",
        "pagerduty:", "api_secret", "e-mail"),
    one("one metric for two things", "  period_seconds: 60", "  period_seconds: 60\n  errors: Requests",
        "metrics.errors", "errors: Requests", "'Requests'", "metrics.requests"),
)
"""Fields that do not go together."""

WARNINGS = (
    warned("a cycle of calls", "calls: [orders-db, acquirer, sessions]", "calls: [orders-db, acquirer, sessions, web]",
           "components[1].calls[3]", "sessions, web]", "web → orders → web"),
    warned("a database that nobody calls", "calls: [orders-db, acquirer, sessions]", "calls: [acquirer, sessions]",
           "database.name", "  name: orders-db", "nothing calls"),
    warned("confirmed later than alarmed", "  window_seconds: 180\n  error_rate: 0.05",
           "  window_seconds: 180\n  error_rate: 0.5", "confirm.error_rate", "error_rate: 0.5\n", "0.5",
           "alarms.error_rate (0.05)"),
    Broken("a mode that may do nothing", BEFORE_POLICY, BEFORE_POLICY.replace("mode: observe", "mode: auto").replace(
        POLICY, "policy: {}\n"), (Said("mode", "mode: auto", ("auto", "no action"), "warning"),)),
    warned("a freeze that is over", "  freezes: []",
           "  freezes:\n    - {start: 2020-12-24T00:00:00Z, end: 2020-12-27T00:00:00Z}", "guardrails.freezes[0].end",
           "2020-12-24", "over"),
    warned("a yes for true", "  cloudtrail: true", "  cloudtrail: yes", "aws.cloudtrail", "cloudtrail: yes", "yes",
           "true"),
    warned("what cannot be undone on auto", "  restore_configuration: approve",
           "  restore_configuration: approve\n  restore_database: auto", "policy.restore_database",
           "restore_database: auto", "cannot be undone"),
    warned("Splunk's web port", "https://splunk.shop.example:8089", "https://splunk.shop.example:8000", "splunk.url",
           ":8000", "8089"),
    warned("every value is shown", "reports:\n  requests: orders\n",
           'reports:\n  requests: orders\nshown_keys: ["*"]\n',
           "shown_keys[0]", "shown_keys", "secrets"),
)
"""What works and is probably not meant."""

EVERY = (*YAML, *KINDS, *SECRETS, *NAMES, *CONTRADICTIONS, *WARNINGS)
