"""Tokens that are known by how they begin.

Facts alone: how each begins, its alphabet and how long it is at least. Sources: the vendors' own pages (GitHub, "About
authentication to GitHub"; Stripe, "API keys"; Slack, "Token types"; GitLab, "GitLab token overview"; New Relic, "New
Relic API keys"; AWS, "IAM identifiers"; npm, "About access tokens"), and for the others the names and prefixes in the
rules of gitleaks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_WORD = re.compile(r"[A-Za-z0-9]*+")
_DASHED = re.compile(r"[A-Za-z0-9_\-]*+")
_DOTTED = re.compile(r"[A-Za-z0-9_.\-]*+")
_BASE64 = re.compile(r"[A-Za-z0-9+/_=\-]*+")
_UPPER = re.compile(r"[A-Z0-9]*+")
_DOLLAR = re.compile(r"[A-Za-z0-9$]*+")
_AWS_SECRET = re.compile(r"(?<![A-Za-z0-9/+])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+])")
_NEAR = 160
"""So near behind an access key's id its secret key is looked for."""

_PREFIXES: tuple[tuple[str, re.Pattern[str], int], ...] = (
    *((prefix, _DASHED, 10) for prefix in ("sk_live_", "sk_test_", "rk_live_", "rk_test_", "sk_prod_", "rzp_live_",
                                           "rzp_test_", "sq0atp-", "sq0csp-", "FLWSECK-", "FLWSECK_TEST-",
                                           "shpat_", "shpss_", "shpca_", "shppa_")),
    ("whsec_", _BASE64, 10), ("EZAK", _WORD, 50), ("EZTK", _WORD, 50), ("AQE", _BASE64, 60),
    *((prefix, _DASHED, 8) for prefix in ("xoxb-", "xoxa-", "xoxp-", "xoxr-", "xoxs-", "xoxo-", "xoxe-", "xoxe.xoxb-",
                                          "xoxe.xoxp-", "xapp-", "xwfp-")),
    *((prefix, _WORD, 20) for prefix in ("ghp_", "gho_", "ghu_", "ghs_", "ghr_")), ("github_pat_", _DASHED, 20),
    *((prefix, _DOTTED, 12) for prefix in ("glpat-", "gldt-", "glrt-", "glptt-", "glcbt-", "glsoat-", "glft-",
                                           "glimt-", "glagent-", "glffct-", "GR1348941")),
    *((prefix, _UPPER, 16) for prefix in ("AKIA", "ASIA", "ABIA", "ACCA")),
    *((prefix, _WORD, 8) for prefix in ("NRAK-", "NRII-", "NRIQ-", "NRRA-", "NRJS-", "NRAA-")),
    ("SG.", _DOTTED, 20), ("AIza", _DASHED, 30), ("ya29.", _DOTTED, 20), ("GOCSPX-", _DASHED, 20),
    ("npm_", _WORD, 30), ("pypi-", _DASHED, 40), ("dckr_pat_", _DASHED, 20), ("dop_v1_", _WORD, 32),
    ("doo_v1_", _WORD, 32), ("dor_v1_", _WORD, 32), ("hvs.", _DASHED, 20), ("hvb.", _DASHED, 20), ("hvr.", _DASHED, 20),
    ("sk-ant-", _DASHED, 20), ("sk-proj-", _DASHED, 20), ("hf_", _WORD, 30), ("lin_api_", _WORD, 30),
    ("ATATT3", _BASE64, 30), ("ATBB", _WORD, 24), ("ntn_", _WORD, 30), ("figd_", _DASHED, 30), ("PMAK-", _DASHED, 30),
    ("dapi", _WORD, 32), ("xkeysib-", _DASHED, 30), ("AGE-SECRET-KEY-1", _UPPER, 40), ("pdus+_", _DASHED, 12),
    ("pdeu+_", _DASHED, 12), ("access_token$production$", _DOLLAR, 20), ("access_token$sandbox$", _DOLLAR, 20),
    ("amzn.mws.", _DASHED, 30), ("LTAI", _WORD, 12), ("tfp_", _DASHED, 30), ("glsa_", _DASHED, 30),
    ("glc_", _BASE64, 32),
    ("PRIVATE-TOKEN-", _DASHED, 10), ("EAAAE", _DASHED, 50), ("dp.st.", _DOTTED, 30), ("ops_eyJ", _BASE64, 60),
    ("hooks.slack.com/services/", re.compile(r"[A-Za-z0-9/_]*+"), 16),
    ("hooks.slack.com/workflows/", re.compile(r"[A-Za-z0-9/_]*+"), 16),
    ("discord.com/api/webhooks/", re.compile(r"[A-Za-z0-9/_\-]*+"), 16),
    ("webhook.office.com/webhookb2/", re.compile(r"[A-Za-z0-9/_@\-]*+"), 16))


_SHORTEST = min(len(prefix) + least for prefix, _, least in _PREFIXES)


def tokens(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield where a vendor's token begins and ends in a text, and what stands in its place."""
    if len(text) < _SHORTEST:
        return
    for prefix, body, least in _PREFIXES:
        place = text.find(prefix)
        while place >= 0:
            start = place + len(prefix)
            end = start
            if place == 0 or not text[place - 1].isalnum() or _escaped(text, place):
                found = body.match(text, start)
                end = found.end() if found else start
                if end - start >= least:
                    if prefix.startswith("hooks") or "/" in prefix:
                        yield start, end, "[masked]"
                    else:
                        yield place, end, "[masked key]"
                    if body is _UPPER and len(prefix) == 4:
                        yield from _secret_key(text, end)
            place = text.find(prefix, max(end, place + 1))


def _secret_key(text: str, end: int) -> Iterator[tuple[int, int, str]]:
    """AWS' secret key has no prefix: 40 characters close behind the id of its access key."""
    found = _AWS_SECRET.search(text, end, end + _NEAR)
    if found and not found[0].isdigit() and len(set(found[0])) > 10:
        yield found.start(), found.end(), "[masked key]"


def _escaped(text: str, place: int) -> bool:
    """Whether the character before a place is the end of an escape: ``\\n``, ``%3D``, ``\\u0022``."""
    return (text[place - 2:place - 1] in ("\\", "%") or text[max(0, place - 3):place - 2] == "%"
            or text[max(0, place - 6):place - 4] == "\\u")
