"""What looks like a card number or a secret and is none: each must come out as it went in."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator

EPOCH_MS = (1_420_070_400_000, 2_082_758_400_000)
"""From 2015 to 2035."""
HEX = "0123456789abcdef"
PLACES = ("{}", '{{"x":"{}"}}', "x={} y", "[{}]", "/a/{}/b", "({})", "{}, and more", "a {} b")


def _hex(chance: random.Random, size: int) -> str:
    return "".join(chance.choices(HEX, k=size))


def identifiers(seed: int, count: int) -> Iterator[tuple[str, str]]:
    """Yield kind and text of identifiers that systems draw at random; of times and counters."""
    chance = random.Random(seed)
    for _ in range(count):
        place = chance.choice(PLACES)
        ident = str(uuid.UUID(int=chance.getrandbits(128), version=4))
        yield "uuid", place.format(ident)
        yield "sha256", place.format("sha256:" + _hex(chance, 64))
        yield "git digest", place.format(_hex(chance, 40))
        yield "trace id", f'{{"trace_id":"{_hex(chance, 32)}","span_id":"{_hex(chance, 16)}"}}'
        yield "trace id", f"traceId={_hex(chance, 32)} spanId={_hex(chance, 16)} done"
        yield "trace id", f'{{"dd.trace_id":"{chance.getrandbits(63)}","parentId":{chance.getrandbits(63)}}}'
        yield "traceparent", f"00-{_hex(chance, 32)}-{_hex(chance, 16)}-01"
        yield "epoch ms", place.format(chance.randrange(*EPOCH_MS))
        yield "epoch µs", place.format(chance.randrange(1_420_070_400_000_000, 2_082_758_400_000_000))
        yield "epoch ns", place.format(chance.randrange(1_420_070_400 * 10 ** 9, 2_082_758_400 * 10 ** 9))
        yield "resourceVersion", f'{{"resourceVersion":"{chance.getrandbits(chance.randrange(20, 63))}"}}'
        yield "decimal", place.format(f"{chance.random() * 100}")
        yield "decimal", place.format(f"0.{chance.randrange(10 ** 15, 10 ** 16)}")
        yield "pod", place.format(f"payment-gateway-{_hex(chance, 10)}-{_hex(chance, 5)}")
        yield "bytes", f'{{"memory_bytes":{chance.randrange(10 ** 9, 10 ** 15)},"used":{chance.randrange(10 ** 9)}}}'
        yield "status and time", f"{chance.randrange(200, 600)} {chance.randrange(*EPOCH_MS)}"
        yield "amount", place.format(f"{chance.randrange(10 ** 6)}.{chance.randrange(100):02d}")
        yield "address", place.format(".".join(str(chance.randrange(256)) for _ in range(4)))
        yield "telephone", place.format(f"+{chance.randrange(10 ** 10, 10 ** 12)}")


def orders(seed: int, count: int) -> Iterator[tuple[str, str, str]]:
    """Yield kind, number and text of order numbers of 10 to 19 digits, as strings and as numbers."""
    chance = random.Random(seed)
    for _ in range(count):
        number = str(chance.randrange(10 ** 9, 10 ** chance.randrange(10, 20)))
        yield "order as text", number, f'{{"order_id":"{number}"}}'
        yield "order as number", number, f'{{"order_id":{number}}}'
        yield "order in a line", number, f"order {number} failed"


LINES = (
    "token: missing", '{"token": "expired", "user": 7}', "password=invalid, order 17", "password: required",
    "the password was rejected", "Basic authentication failed", "Splunk answered with status 503",
    "bearer token is missing", "secretName: payments-tls", '{"secretKeyRef":{"name":"db","key":"password"}}',
    '{"name":"DB_PASSWORD","valueFrom":{"secretKeyRef":{"name":"db","key":"url"}}}', "token_type=refresh",
    '{"max_tokens": 128}', "partition_key: merchant-1234", "shipping=express", "pinned: true", "pin: true",
    "assigned to team 4", "spin 4711", "cidr: 10.0.0.0/16", "cid: none", "pass=12 fail=3 total", "bypass=on",
    "arn:aws:rds:us-east-1:123456789012:db:payments", "arn:aws:iam::123456789012:role/incident-responder",
    "registry.example/payments/gateway:1.24.3", "registry.example:5000/x:1.2.3", "https://api.example:8443/pay?x=1",
    "http://payments-db:5432/ and mail", "postgres://payments-db:5432/payments", "2026-11-25T20:00:00.123456789Z",
    "2026-11-25 20:00:00,123", "1.2.3-rc.4+build.567", "10.0.0.1:8080", "fe80::52:1234:5678:9abc", "00:52:1234",
    "20:52:4500", "+49 151 12345678", "+4915112345678", "+1 415 555 2671", "1-800-555-0199", "EUR 1,234,567.89",
    "GB82 WEST 1234 5698 7654 32", "account 12345678 sort 12-34-56", "RRN 431234567890", "ARN 74537605238123456789012",
    "requests 100 200 300 400 500 600 700", "latency p50=12 p99=340 max=1200", "HTTP/1.1 502 Bad Gateway",
    "-----BEGIN CERTIFICATE-----", "key: value", '{"Key":"Name","Value":"payments"}', "author=alice", "signature=v2",
    '{"signature":"ERROR CardAuthorizer cannot authorize order <n>"}', "sig: none", "revision 1234567890123",
    "@Override", "a @ b", "user@localhost", "mention @payments please", "x-request-id: 7f3c2a10", "code 123",
    "error code: 1234", "status code 500", "zip code 12345", "ORA-01017: invalid username/password; logon denied",
    'password authentication failed for user "payments"', "FATAL: too many connections for role", "4111", "card 1111",
    "4111111111111112", "card 4111111111111112 is wrong", "1234567890123456", "0000000000000000", "8111111111111117x",
    "id4111111111111111", "4111111111111111abc", "ord_4111111111111111", "a1b2c3-4111111111111111",
    "4111111111111111.25", "0.4111111111111111", "12.4111111111111111", "v1.4111111111111111",
    "41111111111111111111111", "0x4111111111111111", "4111,1111,1111,1111", "4111\n1111\n1111\n1111",
    "sk_live_", "AKIA", "ghp_short", "xoxb-", "eyJ", "eyJhbGciOiJub25lIn0", "npm_config_cache=/tmp",
    '{"volumes":[{"name":"v","secret":{"secretName":"s"}}]}', '{"imagePullSecrets":[{"name":"regcred"}]}',
    '{"secrets": [{"name": "default"}]}', '{"tokens":[],"x":[1]}', '{"token": {"expires_in": 3600}}',
    "SG.short", "task-AKIA1234", "GET /token?x=1", "SELECT password FROM users", "env: DB_PASSWORD is set")


def every(seed: int = 16, count: int = 60) -> Iterator[tuple[str, str]]:
    """Yield kind and text of all of them."""
    yield from identifiers(seed, count)
    yield from (("line", line) for line in LINES)
