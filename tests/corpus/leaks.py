"""What must not come out: each text with its kind and with the strings that must be gone from it."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote


@dataclass(frozen=True)
class Leak:
    """A text that holds something secret."""

    kind: str
    text: str
    secrets: tuple[str, ...]
    """None of them may be in the masked text."""


PANS = {
    "Visa": ("4111111111111111", "4242424242424242", "4012888888881881", "4000056655665556", "4222222222222"),
    "Mastercard": ("5555555555554444", "5105105105105100", "2223003122003222", "2720990000000015"),
    "American Express": ("378282246310005", "371449635398431", "341111111111111"),
    "Discover": ("6011111111111117", "6011000990139424", "6445644564456445"),
    "Diners": ("30569309025904", "38520000023237", "36227206271667"),
    "JCB": ("3530111333300000", "3566002020360505"),
    "UnionPay": ("6200000000000005", "6200000000000047", "6205500000000000004"),
    "Maestro": ("6759649826438453", "5018000000000009"),
    "Mir": ("2200770212727079", "2201382000000013"),
    "Elo": ("6362970000457013",),
    "Hipercard": ("6062826786276634",),
    "Troy": ("9792030394440796",),
}
SEPARATORS = (
    "", " ", "\t", "\u00a0", "\u2009", "\u202f", "\u2007", "\u3000", "\u200b", "-", "\u2010", "\u2011", "\u2012",
    "\u2013", "\u2014", "\u2212", "\uff0d", "_", "/", ".", "+", "  ", " - ", "%20", "%2D", "%2d", "%2520", "%C2%A0",
    "%E2%80%93", "%09", "\\u0020", "\\u00a0", "\\u2013", "\\\\u0020", "\\t", "\\x20", "&nbsp;", "&#160;")
CONTEXTS = (
    "{}", "card {} declined", '{{"pan":"{}"}}', '{{"card": "{}", "amount": 1250}}', "/pay?card={}&amount=1250",
    "https://shop.example/pay/{}/confirm", "<cardNumber>{}</cardNumber>", "order 17 {} 3", "[{}]", "({})", "'{}'",
    '{{\\"card\\":\\"{}\\"}}', '{{\\\\\\"card\\\\\\":\\\\\\"{}\\\\\\"}}', "amount 12.50,{}", "paid 12.50 {}",
    "fee 0.5;{}",
    "pan%3D{}%26x%3D1", "line\\n{}\\n", "line\\t{}", "%22{}%22", "\\u0022{}\\u0022", "card:{},amount:12.50",
    "200,{},ok", "card={};exp=12/29", "{}.", "{}, and", "2026-11-25T20:00:00.123Z INFO charge {} by 10.0.0.1",
    "<field id=\"2\" value=\"{}\"/>", '{{"002": "{}"}}', "DE2={}", "|{}|", "card\n{}\nend", "card_{}", "#{}")


def grouped(pan: str, separator: str) -> str:
    """Return a card number as it is printed: by fours, or 4-6-5 and 4-6-4."""
    sizes = {15: (4, 6, 5), 14: (4, 6, 4)}.get(len(pan), (4, 4, 4, 4, 4))
    parts, start = [], 0
    for size in sizes:
        parts.append(pan[start:start + size])
        start += size
    return separator.join(part for part in parts if part)


def cards(seed: int = 16) -> Iterator[Leak]:
    """Yield card numbers of all brands with all separators in all contexts: each pair of the three at least once."""
    chance = random.Random(seed)
    brands = [(brand, pan) for brand, pans in PANS.items() for pan in pans]
    for separator in SEPARATORS:
        for context in CONTEXTS:
            brand, pan = chance.choice(brands)
            yield _card(brand, pan, separator, context)
        for brand, pan in brands:
            yield _card(brand, pan, separator, chance.choice(CONTEXTS))


def _card(brand: str, pan: str, separator: str, context: str) -> Leak:
    shown = grouped(pan, separator)
    kind = f"card {brand}" if separator in ("", " ", "-") else f"card separated by {separator!r}"
    return Leak(kind, context.format(shown), (shown, pan))


def numbers() -> Iterator[Leak]:
    """Yield card numbers as JSON numbers."""
    for pans in PANS.values():
        for pan in pans:
            for text in ('{{"pan":{}}}', '{{"card": {}, "x": 1}}', "[1,{}]", "[{},2]", '{{"card":{}.0}}', "[{}]"):
                yield Leak("card as a JSON number", text.format(pan), (pan,))
            science = f"{pan[0]}.{pan[1:].rstrip('0')}E{len(pan) - 1}"
            if len(pan.rstrip("0")) >= 13:
                yield Leak("card in scientific notation", f"amount {science}", (science,))


def authentication(seed: int = 16) -> Iterator[Leak]:
    """Yield tracks, card verification codes, PINs and PIN blocks."""
    chance = random.Random(seed)
    pan = "4111111111111111"
    for text in (f";{pan}=25121010000012345678?", f"{pan}=25121010000012345678", f"{pan}D25121010000012345678",
                 f"{pan}d25121010000012345678F", f'{{"035": "{pan}=25121010000012345678"}}',
                 f"DE35={pan}D25121010000012345678", f'"track2":"{pan}=25121010000012345678"',
                 f"track2={pan}%3D25121010000012345678", f"<field id=\"35\" value=\"{pan}D25121010000012345678\"/>"):
        yield Leak("track 2", text, (pan, "1010000012345678", "12345678"))
    for text in (f"%B{pan}^DOE/JOHN^25121010000000000123?", f"B{pan}^DOE/JOHN            ^25121010000000000123",
                 f'"track1": "%B{pan}^DOE/JOHN^25121010000000000123?"',
                 f"%25B{pan}%5EDOE%2FJOHN%5E25121010000000000123%3F",
                 f"<field id=\"45\" value=\"B{pan}^DOE/JOHN^25121010000000000123\"/>"):
        yield Leak("track 1", text, (pan, "1010000000000123", "0000000123"))
    for name in ("cvv", "CVV2", "cvc", "cvc2", "csc", "cid", "securityCode", "security_code", "card_cvv", "cardCvc",
                 "cvvCode", "card-security-code", "cvv_value", "verification_value"):
        code = f"{chance.randrange(100, 1000)}"
        for text in ('{{"{0}":"{1}"}}', '{{"{0}": {1}}}', "{0}={1}", "{0}: {1}", "x=1&{0}={1}&y=2", "<{0}>{1}</{0}>",
                     '{{\\"{0}\\":\\"{1}\\"}}', "x%3D1%26{0}%3D{1}%26y%3D2", "%22{0}%22%3A%22{1}%22", '<p {0}="{1}"/>',
                     "[{0}={1}]", "&lt;{0}&gt;{1}&lt;/{0}&gt;"):
            yield Leak("card verification code", text.format(name, code), (code,))
    for text in ("CVV is {}", "cvv {}", "CVC2: {}", "security code: {}", "security code {}", "the CVV code is {} today",
                 "CVV ({})", "card verification value {}", "cid {}", pan + " 12/27 {}", pan + "|12|2027|{}",
                 pan + ",12/27,{}", "4111 1111 1111 1111 {}", pan + " {}", pan + ";{}"):
        yield Leak("card verification code in words", text.format("739"), ("739",))
    for name in ("pin", "PIN", "cardPin", "card_pin"):
        for text in ('{{"{0}":"{1}"}}', '{{"{0}": {1}}}', "{0}={1}", "{0}: {1}", "<{0}>{1}</{0}>", "{0} {1}",
                     "{0} is {1}"):
            if name.lower() == "pin" or " " not in text.replace(": ", ":"):
                yield Leak("PIN", text.format(name, "4831"), ("4831",))
    for name in ("pinBlock", "pin_block", "PINBLOCK", "pin-block"):
        for text in ('{{"{0}":"{1}"}}', "{0}={1}", "{0}: {1}", "<{0}>{1}</{0}>"):
            yield Leak("PIN block", text.format(name, "04124389999F8FFF"), ("04124389999F8FFF",))
    for text in ('{"052":"04124389999F8FFF"}', "DE52=04124389999F8FFF", "F052: 04124389999F8FFF",
                 '<field id="52" value="04124389999F8FFF"/>', "pin block 04124389999F8FFF",
                 '{"52": "0412438999918887"}'):
        yield Leak("PIN block", text, ("04124389999F8FFF", "0412438999918887"))


WORDS = ("hunter22", "Tr0ub4dor&3", "p@ss:word", "pa;ss,wd", "s3cr/et+x=", "cor'rect", "back\\slash9", "aa\"bb\"cc9",
         "ünïcode9", "50%off", "a&b&c9", "x<y9", "[br]ack9", "{curl}y9")
NAMES = ("password", "PASSWORD", "passwd", "pwd", "pass", "passphrase", "db_password", "DB_PWD", "userPassword",
         "spring.datasource.password", "secret", "client_secret", "clientSecret", "api_key", "apiKey", "API-KEY",
         "X-Api-Key", "access_key", "accessKey", "secretAccessKey", "private_key", "SIGNING_KEY", "session_token",
         "authToken", "token", "refresh_token", "DB_PASS", "encryption.key", "license_key", "routing_key")


def named() -> Iterator[Leak]:
    """Yield secrets under their names in every notation."""
    for name in NAMES:
        for word in WORDS:
            escaped = json.dumps(word)[1:-1]
            outer = json.dumps(json.dumps({name: word}))
            yield Leak("secret in JSON", json.dumps({"a": 1, name: word, "b": "kept"}), (escaped,))
            yield Leak("secret in JSON with blanks", json.dumps({"a": 1, name: word}, indent=2), (escaped,))
            yield Leak("secret in JSON in JSON", outer, (json.dumps(escaped)[1:-1],))
            yield Leak("secret, percent-encoded", f"x%3D1%26{name}%3D{quote(quote(word, safe=''))}%26y%3D2",
                       (quote(quote(word, safe="")),))
            yield Leak("secret in a form", f"x=1&{name}={quote(word, safe='')}&y=2", (quote(word, safe=""),))
            yield Leak("secret in a line", f"{name}={word}", (word,))
            yield Leak("secret in a line", f"INFO login {name}={word} from 10.0.0.1", (word,))
            yield Leak("secret in YAML", f"a: 1\n{name}: {word}\nb: 2", (word,))
            if "'" not in word:
                yield Leak("secret in quotes", f"{name}='{word} and more'", (word, "and more"))
            if not set(word) & set("<&"):
                yield Leak("secret in XML", f"<a><{name}>{word}</{name}></a>", (word,))
                yield Leak("secret in XML with attributes", f'<n:{name} type="x">{word}</n:{name}>', (word,))
            yield Leak("secret in XML", f"<{name}><![CDATA[{word}]]></{name}>", (word,))
            for pair in ({"name": name, "value": word}, {"value": word, "name": name}):
                yield Leak("environment variable", json.dumps({"env": [pair]}), (escaped,))
                yield Leak("environment variable", json.dumps({"env": [pair]}, indent=1), (escaped,))
                yield Leak("environment variable in JSON in JSON", json.dumps(json.dumps(pair)),
                           (json.dumps(escaped)[1:-1],))
            yield Leak("environment variable in YAML", f"env:\n- name: {name}\n  value: {word}\n", (word,))


def notations() -> Iterator[Leak]:
    """Yield secrets in notations of their own."""
    for text in ('{"tokens": ["hunter22", "abc-hunter22"]}', '{"Authorization": ["Bearer hunter22"]}',
                 '{"X-Api-Key":["hunter22"]}', "password: |\n  first hunter22\n  hunter22\nnext: 1",
                 "user[password]=hunter22", "password[]=hunter22", "curl -u admin:hunter22 https://a",
                 "mysqldump --password hunter22 x",
                 "psql --token=hunter22", "SECRET_KEY_BASE=hunter22", "Server=x;Password=hunter22;Database=y",
                 "User(password=hunter22, name=x)", "'password' => 'hunter22'", 'password := "hunter22"',
                 '<add key="DbPassword" value="hunter22"/>', "\\u003cpassword\\u003ehunter22\\u003c/password\\u003e",
                 '"password" :\n  "hunter22"', "AccountKey=hunter22==;EndpointSuffix=core"):
        yield Leak("secret in a notation of its own", text, ("hunter22",))
    yield Leak("PIN block", "PINBLOCK: 0412 4389 999F 8FFF", ("4389", "8FFF"))
    for text in ("cvc/123", "CVV#123", "cvv-123"):
        yield Leak("card verification code in words", text, ("123",))


def addresses() -> Iterator[Leak]:
    """Yield addresses with passwords."""
    for word in ("hunter22", "p@ss", "a&b", "a'b", 'a"b', "a\\b", "p:w", "x#y", "a%40b", "12ab", "p@s@s", "p;w,d"):
        for scheme in ("https", "postgres", "postgresql", "mysql", "redis", "amqps", "mongodb+srv", "jdbc:postgresql"):
            yield Leak("password in an address", f"{scheme}://user:{word}@db.example:5432/x?y=1", (f":{word}@",))
        yield Leak("password in an address", f"connect redis://:{word}@cache failed", (f":{word}@",))
        yield Leak("password in an address", json.dumps({"url": f"postgres://u:{word}@h/x", "b": "c@d"}),
                   (f":{json.dumps(word)[1:-1]}@",))


def headers() -> Iterator[Leak]:
    """Yield HTTP headers that carry credentials."""
    for scheme in ("Bearer ", "Basic ", "Token ", "Splunk ", "ApiKey ", "Negotiate ", "GenieKey ", "Klarna ", ""):
        for text in ("Authorization: {}{}", "authorization={}{}", '{{"Authorization": "{}{}"}}',
                     "-H 'Authorization: {}{}'", "Proxy-Authorization: {}{}\r\nHost: x"):
            yield Leak("Authorization", text.format(scheme, "YWxhZGRpbjpvcGVu"), ("YWxhZGRpbjpvcGVu",))
    for value in ('Digest username="Mufasa", response="6629fae49393a05397450978507c4ef1"',
                  "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/x, Signature=fe5f80f77d5fa3beca038a248ff027",
                  'Hawk id="dh37", mac="6R4rV5iE+NPoym+WwjeHzjAGXUtLNIxmo1vpMofpLAE="'):
        yield Leak("Authorization", f"GET / HTTP/1.1\r\nAuthorization: {value}\r\nHost: a", (
            "6629fae49393a05397450978507c4ef1", "AKIAIOSFODNN7EXAMPLE", "fe5f80f77d5fa3beca038a248ff027", "6R4rV5iE"))
    for name in ("Cookie", "Set-Cookie", "cookie", "set-cookie"):
        yield Leak("cookie", f"{name}: sid=abcdefgh; theme=dark\r\nHost: x", ("abcdefgh",))
        yield Leak("cookie", json.dumps({name: "sid=abcdefgh; theme=dark"}), ("abcdefgh",))
    for name in ("X-Api-Key", "X-Auth-Token", "X-Vault-Token", "Api-Key", "X-Amz-Security-Token", "X-License-Key",
                 "X-Insert-Key", "Circle-Token", "PRIVATE-TOKEN", "X-Access-Token"):
        for text in ("{}: {}", '{{"{}": "{}"}}', "-H '{}: {}'"):
            yield Leak("key in a header", text.format(name, "abcdefgh1234"), ("abcdefgh1234",))


def _drawn(chance: random.Random, alphabet: str, size: int) -> str:
    return "".join(chance.choices(alphabet, k=size))


LOW, UP, DIGITS = "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789"
ALL = LOW + UP + DIGITS
PLACES = ("{}", "key {} used", '{{"x":"{}"}}', "x={}&y=1", "<x>{}</x>", "\\n{}\\n", "x%3D{}%26y", "({})")


def vendors(seed: int = 16) -> Iterator[Leak]:
    """Yield vendors' tokens: prefix, alphabet and length as the vendors give them."""
    chance = random.Random(seed)
    forms = {
        "Stripe": [(p, ALL, 24) for p in ("sk_live_", "sk_test_", "rk_live_", "rk_test_")] + [("whsec_", ALL, 32)],
        "Slack": [("xoxb-", DIGITS, 12), ("xoxp-", ALL, 40), ("xapp-1-A0", ALL, 40), ("xoxe-1-", ALL, 40),
                  ("https://hooks.slack.com/services/T0", ALL, 24)],
        "GitHub": [(p, ALL, 36) for p in ("ghp_", "gho_", "ghu_", "ghs_", "ghr_")] + [("github_pat_", ALL, 82)],
        "GitLab": [("glpat-", ALL, 20), ("glptt-", ALL, 40), ("gldt-", ALL, 20)],
        "AWS": [("AKIA", UP + "234567", 16), ("ASIA", UP + "234567", 16)],
        "New Relic": [("NRAK-", UP + DIGITS, 27), ("NRII-", ALL, 32), ("NRJS-", LOW[:6] + DIGITS, 19)],
        "SendGrid": [("SG.", ALL, 66)], "Google": [("AIza", ALL, 35), ("GOCSPX-", ALL, 28)], "npm": [("npm_", ALL, 36)],
        "PagerDuty": [("pdus+_", UP + DIGITS, 20)], "Square": [("sq0atp-", ALL, 22), ("sq0csp-", ALL, 43)],
        "Shopify": [("shpat_", LOW[:6] + DIGITS, 32)], "Vault": [("hvs.", ALL, 24)],
        "Docker": [("dckr_pat_", ALL, 27)], "Braintree": [("access_token$production$", LOW + DIGITS, 32)],
    }
    for vendor, rules in forms.items():
        for prefix, alphabet, size in rules:
            for place in PLACES:
                body = _drawn(chance, alphabet, size)
                if vendor == "SendGrid":
                    body = body[:22] + "." + body[23:]
                yield Leak(f"token of {vendor}", place.format(prefix + body), (body,))
    for place in PLACES:
        secret = _drawn(chance, ALL + "/+", 39) + "9"
        yield Leak("secret key of AWS", place.format(f"AKIAIOSFODNN7EXAMPLE:{secret}"), (secret,))
        parts = [_drawn(chance, ALL + "-_", size) for size in (20, 40, 43)]
        yield Leak("JSON Web Token", place.format("eyJ" + ".".join(parts)), tuple(parts))
    yield Leak("PagerDuty by name", "PAGERDUTY_API_KEY=y_NbAkKc66ryYTWUXYEu", ("y_NbAkKc66ryYTWUXYEu",))
    yield Leak("Splunk by name", "SPLUNK_HEC_TOKEN=b0221cd8-c4b4-465a-9a3c-273e3a75aa29", ("465a-9a3c",))
    yield Leak("Splunk's header", "Authorization: Splunk b0221cd8-c4b4-465a-9a3c-273e3a75aa29", ("465a-9a3c",))


def signed(seed: int = 16) -> Iterator[Leak]:
    """Yield presigned addresses."""
    chance = random.Random(seed)
    for name in ("X-Amz-Signature", "X-Amz-Security-Token", "X-Amz-Credential", "Signature", "sig", "X-Goog-Signature",
                 "X-Goog-Credential"):
        for text in ("https://b.s3.amazonaws.com/k?X-Amz-Expires=300&{}={}&x=1", "https://b.example/k?{}={}",
                     '{{"url":"https://b.example/k?a=1&{}={}"}}', "GET /k?{}={} 200",
                     "u=https%3A%2F%2Fb%2Fk%3F{}%3D{}%26x%3D1"):
            value = _drawn(chance, LOW[:6] + DIGITS, 63) + "7"
            yield Leak("presigned address", text.format(name, value), (value,))


def keys(seed: int = 16) -> Iterator[Leak]:
    """Yield private keys in PEM."""
    chance = random.Random(seed)
    for title in ("RSA PRIVATE KEY", "PRIVATE KEY", "EC PRIVATE KEY", "OPENSSH PRIVATE KEY", "ENCRYPTED PRIVATE KEY",
                  "PGP PRIVATE KEY BLOCK", "DSA PRIVATE KEY"):
        lines = [_drawn(chance, ALL + "+/", 64) for _ in range(6)]
        pem = f"-----BEGIN {title}-----\n" + "\n".join(lines) + f"\n-----END {title}-----\n"
        for text in (pem, pem.replace("\n", "\\n"), json.dumps({"key": pem}), json.dumps(json.dumps({"tls.key": pem})),
                     pem.replace("\n", "\r\n"), "\n".join("    " + line for line in pem.split("\n")), pem[:300],
                     pem.replace("\n", " "), quote(pem)):
            yield Leak("private key", f"before {text} after", tuple(lines[:3]))


def emails() -> Iterator[Leak]:
    """Yield e-mail addresses."""
    for address in ("someone@example.com", "a.b+c@mail.shop.example", "x_y-z@a-b.co.uk"):
        for place in PLACES:
            yield Leak("e-mail address", place.format(address), (address,))


def every() -> Iterator[Leak]:
    """Yield all of them."""
    for made in (cards, numbers, authentication, named, notations, addresses, headers, vendors, signed, keys, emails):
        yield from made()
