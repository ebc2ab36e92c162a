"""Made-up outages that no change brought, and changes that came too late; written before the logic that judges them."""

from __future__ import annotations

from tests.unit.diagnosis.made_up_changes import NOISE, NONE, Outage, change, shown

_POOL = change("pool", "services/orders/db.go", "tune pool idle time",
               "-\tcfg.MaxConnIdleTime = 30 * time.Second\n+\tcfg.MaxConnIdleTime = time.Minute", -6, "orders")
_RETRY = change("retry", "services/orders/client.go", "one more try", "-\tRetries: 3,\n+\tRetries: 4,", -4, "orders")
_MOVED = change("moved", "services/orders/pay.go", "extract helper",
                "-\tout, err := c.Charge(ctx, in)\n-\tif err != nil { return err }\n+\treturn charge(ctx, c, "
                "in)\n+}\n+\n"
                "+func charge(ctx context.Context, c Client, in In) error {\n+\tout, err := c.Charge(ctx, in)\n"
                "+\tif err != nil { return err }", -2, "orders")
_FLAG = change("new-receipt", "", "new-receipt", at=-8, on="orders", kind="flag", after="on")

CASES = [
    Outage("provider-down", shown("orders", "charge error ratio", [
        "api.cardgate.example answered 503 Service Unavailable"], notices=[
        ("cardgate: elevated error rates on charges, investigating", -1)]), (_POOL, _MOVED, _FLAG, *NOISE), NONE),
    Outage("certificate", shown("orders", "tls handshake failures", [
        "x509: certificate has expired or is not yet valid"]), (
        _MOVED, change("tls", "internal/httpx/tls.go", "sort cipher suites",
                       "-\tCipherSuites: []uint16{A, B},\n+\tCipherSuites: []uint16{B, A},", -3, "orders"), *NOISE),
                              NONE),
    Outage("node-failure", shown("orders", "pods unavailable", [
        ("kubelet", "node ip-10-0-3-7 is NotReady: kernel: EXT4-fs error, I/O error on nvme1n1")]),
           (_POOL, _RETRY, *NOISE), NONE),
    Outage("traffic-surge", shown("orders", "http_server_duration_p99_ms; cpu saturated", [
        "request queue is full"], moved=[("web", "request_rate_rps", 400, 2100, -3),
                                         ("orders", "request_rate_rps", 300, 1600, -3)], path="web"),
           (_MOVED, _FLAG, *NOISE), NONE),
    Outage("quota", shown("orders", "uploads fail", [
        "LimitExceededException: account quota for PutObject reached"]), (_MOVED, _POOL, *NOISE), NONE),
    Outage("failover", shown("orders", "database errors", [
        "FATAL: the database system is in recovery mode", ("db", "failover: replica promoted to primary")], path="db"),
           (_MOVED, _FLAG, *NOISE), NONE),
    Outage("noisy-neighbour", shown("orders", "db_query_latency_p99_ms", [
        ("db", "analytics_nightly holds 92 % of IOPS: full export in progress")], path="db"),
           (_POOL, _MOVED, *NOISE), NONE),
    Outage("dependency-by-itself", shown("orders", "redis errors", [
        "redis: connection refused", ("redis", "Can't save in background: fork: Cannot allocate memory"),
        ("redis", "server is out of memory, restarting")], path="redis"), (_MOVED, _RETRY, *NOISE), NONE),
    Outage("zone", shown("orders", "error ratio", [
        "connect to 10.2.0.9: no route to host (all targets in zone use1-az3)"], notices=[
        ("EC2 us-east-1: loss of power in one availability zone use1-az3", -2)]), (_RETRY, *NOISE), NONE),
    Outage("only-later-changes", shown("orders", "http_5xx_ratio", ["unexpected end of stream"]), (
        change("late", "services/orders/stream.go", "buffer size", "-\tbuf := 4096\n+\tbuf := 64", 6, "orders"),
               *NOISE),
           NONE),
    Outage("elsewhere", shown("orders", "pool wait", ["could not acquire connection from pool"]), (
        change("else", "services/blog/db.go", "pool", "-\tdb.SetMaxOpenConns(50)\n+\tdb.SetMaxOpenConns(5)", -3,
               "blog"),
        *NOISE), NONE),
    Outage("wrong-kind", shown("orders", "no space left on disk", ["no space left on device"], gradual=True), (
        change("kind", "services/orders/tax.go", "rounding",
               "-\treturn math.Round(n)\n+\treturn math.Round(n*100) / 100", -4, "orders"), *NOISE), NONE),
    Outage("expired-secret", shown("orders", "401 from partner", [
        "partner answered 401: client secret expired on 2026-01-01"]), (_MOVED, _FLAG, *NOISE), NONE),
    Outage("clock", shown("orders", "signature errors", [
        "RequestTimeTooSkewed: the difference between the request time and the current time is too large",
        ("chronyd", "system clock wrong by 912.2 seconds")]), (_POOL, *NOISE), NONE),
]
