"""What speaks for a cause that is no change of ours: what the world around says of itself while the symptom begins."""

from __future__ import annotations

import re
from collections.abc import Iterator

from responder.model.frozen import dataclass
from responder.plan.change_symptom import Moved, Symptom

BEFORE_SECONDS, AFTER_SECONDS = 3600.0, 900.0
"""An outside party's own notice may begin so long before the symptom or after it: they are slow to write."""
_GROWTH = 1.5
_RATE = re.compile(r"(?:request|req|call|event|message|connection|session|user|visitor|order|traffic|ingest"
                   r"|hit)s?_?(?:rate|_per_s"
                   r"|_per_min)|requests?_?(?:total|count)|\brps\b|\bqps\b|_rps|_qps|per_sec|throughput"
                   r"|active_users|visitors",
                   re.IGNORECASE)
_FAILS = re.compile(r"error|fail|5xx|4xx|reject|retr|timeout|drop|evict|miss|lag|denied|unauth|invalid", re.IGNORECASE)

_HARD, _SOFT = 8.0, 4.0
"""Log-odds of what no change of ours can bring, and of what one can bring as well."""
_SIGNS: tuple[tuple[str, float, str], ...] = (
    ("a certificate expired", _HARD,
     r"certificate (?:has )?expired|cert(?:ificate)? .{0,40}\b(?:expired|not yet valid)|\bcert_?expired"
     r"|CERT_HAS_EXPIRED"
     r"|x509: .*expired|notAfter.{0,40}expired|ssl certificate .{0,30}expired|certificate verify failed: .*expired"),
    ("a secret, key or licence expired", _HARD,
     r"(?:client secret|api[ _-]?key|licen[cs]e|password|credentials?|domain|subscription|access key|root ca"
     r"|signing key)"
     r".{0,40}\b(?:has |have |is |was )?(?:expired|revoked|lapsed)"),
    ("hardware or a host failed", _HARD,
     r"\bI/O error|hardware error|machine check|\bMCE\b|uncorrectable|ECC error|kernel panic|EXT4-fs error|XFS "
     r".{0,20}error"
     r"|nvme\d|(?:ebs|volume) .{0,30}(?:impaired|degraded|stalled|stuck)|bad block|disk failure|raid degraded|node "
     r".{0,60}\bnotready|NodeNotReady|node .{0,40}unreachable"
     r"|host .{0,40}(?:unreachable|unresponsive|degraded|retire|maintenance|down)|instance .{0,40}(?:impaired"
     r"|retire|terminated"
     r"|stopped|status check failed)|StatusCheckFailed|system status check|underlying (?:host|hardware)|hypervisor"
     r"|kubelet stopped posting|power (?:loss|failure|outage)|loss of power|thermal"),
    ("instances were taken away", _HARD,
     r"spot (?:instance )?(?:interrupt|reclaim|termination)|preempt(?:ed|ion)|reclaimed by|scheduled maintenance"
     r"|evicted by the "
     r"(?:cloud|provider)|capacity[ -]?(?:not available|unavailable|rebalance)|InsufficientInstanceCapacity"),
    ("a zone, region or network path failed", _HARD,
     r"availability zone|\bzone [\w-]*(?:outage|impair|down|fail|unreachable)|\bin zone [\w-]+|region(?:al)? "
     r"(?:outage|impair)"
     r"|\bAZ [\w-]*(?:impair|down|outage)|bgp|packet loss|fib(?:er|re) cut|link (?:down|flap)|carrier lost|no "
     r"route to host"
     r"|network partition|split[ -]brain|transit provider|peering .{0,20}down|route withdrawn"),
    ("a quota of the account was reached", _SOFT,
     r"quota .{0,40}(?:exceeded|reached|exhausted)|(?:exceeded|reached|hit) .{0,30}(?:account|service|api|monthly"
     r"|daily)? ?quota"
     r"|LimitExceeded|account limit|insufficient funds|billing|free tier|plan limit|VcpuLimit|AddressLimit"
     r"|no (?:free|available) (?:ip )?addresses|throttl\w+ by (?:aws|the provider)"),
    ("the database failed over or recovers", _SOFT,
     r"fail(?:ing|ed)?[ -]?over|promot\w+ to (?:primary|master|writer)|recovery mode|primary .{0,20}(?:down|lost"
     r"|unreachable)"
     r"|leader (?:lost|election)|no (?:leader|primary|master)|replica promoted|crash recovery|election timeout"
     r"|quorum lost"),
    ("another's work took the resources", _SOFT,
     r"noisy neighbou?r|(?:analytics|backup|vacuum|reindex|full export|etl|report(?:ing)? job|batch job|bulk "
     r"(?:load|import)|dump)"
     r"\w*.{0,60}(?:holds|uses|consum|iops|in progress|cpu|i/o|running|saturat)|autovacuum|cpu steal|steal time"
     r"|burst (?:balance|credits?)|credit balance|co-?tenant|other tenant"),
    ("a job began by its schedule", _SOFT,
     r"\bcron\w*.{0,60}(?:started|running|triggered|began)|(?:scheduled|nightly|weekly|monthly|month[- ]end) "
     r"(?:job|task|report"
     r"|export|import|run|batch|maintenance).{0,60}(?:started|running|triggered|began|in progress)"),
    ("one customer asks for much more than others", _SOFT,
     r"\b(?:tenant|customer|account|org|merchant)\b.{0,40}\b(?:burst|spike|flood|uploaded|sent|exceeds|hot)\b"
     r"|hot (?:key|partition|shard)"),
    ("a dependency failed by itself", _SOFT,
     r"can't save in background|fork: cannot allocate|out of memory, restarting|segmentation fault in |SIGSEGV"
     r"|core dumped"
     r"|oom[- ]kill\w* .{0,30}(?:redis|postgres|mysql|kafka|elasticsearch|memcached)|broker \d+ .{0,30}(?:down"
     r"|offline|unavail)"
     r"|shard .{0,20}(?:unassigned|failed)|cluster .{0,20}(?:red|down)|wal .{0,20}corrupt|corrupt(?:ed|ion)"),
    ("the clock is wrong", _HARD,
     r"clock .{0,40}(?:wrong|drift|skewed|offset|stepped|unsynch)|RequestTimeTooSkewed|time ?too ?skewed|ntp "
     r".{0,30}(?:unreach|fail"
     r"|offset|lost)|chrony\w*.{0,30}(?:wrong|lost|unsync)|leap second"),
    ("somebody floods or attacks it", _SOFT,
     r"ddos|denial[ -]of[ -]service|syn flood|botnet|credential stuffing|scrap(?:er|ing)|crawler|bot traffic"
     r"|volumetric|brute force"
     r"|flash sale|campaign|went viral|black friday|ticket drop|push notification .{0,20}sent"),
    ("what a partner sends is not as agreed", _SOFT,
     r"partner .{0,60}(?:malformed|changed|invalid|unexpected)|(?:malformed|corrupt|unexpected) .{0,30}(?:feed"
     r"|file from|payload from"
     r"|data from)|upstream feed|vendor .{0,30}(?:changed|deprecat|removed)|third[- ]party .{0,40}(?:changed"
     r"|deprecat|removed)"),
    ("the resolver or the registrar fails", _SOFT,
     r"SERVFAIL|resolver .{0,30}(?:fail|timeout|unreach|down)|registrar|domain .{0,20}(?:suspended|on hold)|dnssec"
     r"|root server"),
)
_PARTY = re.compile(r"third[- ]party|\bprovider\b|\bvendor\b|\bpartner\b|amazonaws\.com|googleapis\.com|azure\.com"
                    r"|\bstripe\b|\btwilio\b"
                    r"|\bsendgrid\b|\bauth0\b|\bokta\b|\bpaypal\b|\badyen\b|\bcloudflare\b|\bfastly\b|\bdatadog\b"
                    r"|\bopenai\b|\bbraintree\b"
                    r"|\bplaid\b|\bmailgun\b|\bsalesforce\b|\bgithub\.com|\bakamai\b|\baws sdk\b|\b(?:api|gateway"
                    r"|hooks)\.[\w-]+\."
                    r"(?:com|io|net|org|example|dev|co)\b", re.IGNORECASE)
_REFUSES = re.compile(r"\b50[0234]\b|service ?unavailable|internal ?(?:server )?error|slowdown|degraded|outage|bad "
                      r"gateway"
                      r"|incident|maintenance", re.IGNORECASE)
_WELL = re.compile(r"operating[ -]normal|operational|no issues|resolved|\bok\b|service is operating|all systems",
       re.IGNORECASE)


@dataclass(frozen=True)
class Sign:
    """What speaks for an outside cause."""

    what: str
    weight: float
    """In log-odds."""
    grows: bool = False
    """Whether it is that more is asked, which a change that asks more brings as well."""


def signs(symptom: Symptom) -> list[Sign]:
    """Return what speaks for an outside cause, strongest first: each kind once."""
    found: dict[str, Sign] = {}
    for sign in (*_told(symptom), *_noticed(symptom), *_grown(symptom)):
        if sign.what not in found or found[sign.what].weight < sign.weight:
            found[sign.what] = sign
    return sorted(found.values(), key=lambda sign: -sign.weight)


def _told(symptom: Symptom) -> Iterator[Sign]:
    bad = [line.text for line in symptom.lines if line.bad and line.more > 0]
    for text in (symptom.told, *bad):
        for what, weight, pattern in _SIGNS:
            if re.search(pattern, text, re.IGNORECASE):
                yield Sign(what, weight)
        if _PARTY.search(text) and _REFUSES.search(text):
            yield Sign("an outside party answers with errors", _SOFT)
    for moved in symptom.moved:
        if re.search(r"expir", moved.name) and moved.before > 0 >= moved.after:
            yield Sign("a certificate expired", _HARD)
        if re.search(r"(?:steal|burst_balance|credit)", moved.name):
            yield Sign("another's work took the resources", _SOFT)


def _noticed(symptom: Symptom) -> Iterator[Sign]:
    for notice in symptom.notices:
        near = symptom.onset - BEFORE_SECONDS <= notice.began <= symptom.onset + AFTER_SECONDS
        if near and not _WELL.search(notice.text):
            yield Sign("an outside party says that it is ill", _HARD)


def _grown(symptom: Symptom) -> Iterator[Sign]:
    """Yield that more is asked of it than before: more requests from outside, not more failures."""
    for moved in symptom.moved:
        if is_rate(moved) and moved.before > 0 and moved.after >= _GROWTH * moved.before and (
                moved.began <= symptom.onset + 60):
            yield Sign("more is asked of it", 3.0 if moved.after < 2.5 * moved.before else 5.5, grows=True)


def is_rate(moved: Moved) -> bool:
    """Whether a quantity is how much is asked of a component, not how it fares."""
    return bool(_RATE.search(moved.name)) and not _FAILS.search(moved.name)
