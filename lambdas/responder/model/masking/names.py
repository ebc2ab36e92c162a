"""What a key's name says about its value: a secret, card data, an identifier, a quantity, or nothing.

One function answers it for text (``password=…``), for plain data and for environment variables, so that a name means
the same wherever it stands.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

Kind = Literal["", "secret", "plural", "pass", "maybe", "authorization", "cookie", "signature", "code", "pin", "block",
               "track", "card", "identifier", "quantity"]
"""``plural``: secrets, or how many there are. ``pass``: a password, or how many passed. ``maybe``: a secret where the
value looks drawn at random. ``signature``: of a signed address. ``code``: a card verification code. ``block``: a PIN
block. ``track``: a track of a magnetic stripe. ``card``: a card number."""

_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_ISO = re.compile(r"(?:de|f|field|bit|iso|p)?[_.\- ]?0{0,2}([0-9]{1,3})")
_ISO_FIELDS: dict[str, Kind] = {"2": "card", "34": "card", "35": "track", "36": "track", "45": "track", "52": "block"}
"""ISO 8583: field 2 is the PAN, 34 the extended one, 35, 36 and 45 are tracks 2, 3 and 1, 52 is the PIN block."""
_EXTRA = frozenset({"value", "text", "hash", "b64", "base64", "plain", "raw", "string", "header", "data", "live",
                    "test", "prod", "old", "new", "current", "previous", "base", "primary", "secondary"})
"""Words after which a name is that of a secret still: ``API_KEY_OLD``."""
_WHOLE: dict[str, Kind] = {
    "pass": "pass", "pw": "secret", "creds": "secret", "jwt": "secret", "otp": "code", "secrets": "plural",
    "tokens": "plural", "passwords": "plural", "dsn": "secret", "bearer": "secret",
    "authorization": "authorization", "cookie": "cookie", "cookies": "cookie", "signature": "signature",
    "sig": "signature", "cvv": "code", "cvc": "code", "csc": "code", "cav": "code", "cvn": "code", "cvd": "code",
    "cid": "code", "cryptogram": "code", "cavv": "code", "pin": "pin", "pinblock": "block", "track": "track",
    "tracks": "track", "magstripe": "track", "pan": "card", "ccnum": "card", "ccnumber": "card", "creditcard": "card",
    "uid": "identifier", "generation": "identifier", "traceparent": "identifier", "digest": "identifier",
    "etag": "identifier", "fingerprint": "identifier", "sha": "identifier", "commit": "identifier",
    **dict.fromkeys(("bytes", "ms", "ns", "us", "nanos", "micros", "millis", "seconds", "time", "timestamp", "epoch",
                     "offset", "memory", "size", "capacity", "duration", "date", "at", "since", "until", "expires"),
                    "quantity")}
_ENDS: tuple[tuple[str, Kind], ...] = (
    *((word, "secret") for word in (
        "password", "passwd", "passphrase", "passcode", "pwd", "secret", "token", "apikey", "accesskey", "secretkey",
        "privatekey", "signingkey", "encryptionkey", "masterkey", "sharedkey", "hmackey", "licensekey", "servicekey",
        "authkey", "accountkey", "ingestkey", "integrationkey", "routingkey", "insertkey", "userkey", "credential",
        "credentials", "connectionstring", "webhookurl", "hookurl", "kubeconfig", "storekey", "mackey", "macsalt",
        "passhash", "accesskeyid")),
    *((word, "code") for word in ("securitycode", "cardcode", "verificationvalue", "verificationcode",
                                  "verificationnumber", "validationcode", "validationvalue", "cvvcode", "cvccode")),
    *((word, "pin") for word in ("cardpin", "pincode", "pindata")),
    ("pinblock", "block"), ("pinblk", "block"),
    *((word, "track") for word in ("trackdata", "track1", "track2", "track3")),
    *((word, "card") for word in ("cardnumber", "cardno", "cardnum", "ccnumber", "ccno", "primaryaccountnumber",
                                  "cardpan", "creditcardnumber", "fundingpan", "devicepan")),
    *((word, "identifier") for word in ("traceid", "spanid", "parentid", "requestid", "resourceversion",
                                        "correlationid", "containerid", "imageid", "messageid", "transid")))


def parts(key: str) -> list[str]:
    """Return the words of a name, in lower case: ``stripeApiKey``, ``STRIPE_API_KEY`` and ``stripe-api-key`` alike."""
    return [word.lower() for word in _PART.findall(key[-120:])]


@lru_cache(maxsize=4096)
def kind(key: str) -> Kind:
    """Return what a name says about its value."""
    if not key:
        return ""
    iso = _ISO.fullmatch(key.lower())
    if iso:
        return _ISO_FIELDS.get(iso[1], "") if not key.isdigit() or len(key) > 1 else ""
    words = parts(key)
    found = _ending(words)
    if found:
        return found
    while len(words) > 1 and (words[-1] in _EXTRA or words[-1].isdigit()):
        words.pop()
    if not words:
        return ""
    if words[-1] in _WHOLE:
        return _WHOLE[words[-1]]
    return _ending(words) or ("maybe" if words[-1] in ("key", "keys", "salt", "seed", "auth", "session", "sid") and (
        len(words) > 1 or words[-1] == "auth") else "")


def _ending(words: list[str]) -> Kind:
    whole = "".join(words[-4:])
    return next((kind for word, kind in _ENDS if whole.endswith(word)), "")


def random_looking(value: str) -> bool:
    """Whether a value looks drawn at random: at least 16 characters without a blank, letters and digits mixed."""
    if not 16 <= len(value) <= 8192 or any(character.isspace() for character in value):
        return False
    digits = sum(character.isdigit() for character in value)
    letters = sum(character.isalpha() for character in value)
    upper = sum(character.isupper() for character in value)
    return digits >= 2 and letters >= 4 and (digits * 8 >= len(value) or 0 < upper < letters)
