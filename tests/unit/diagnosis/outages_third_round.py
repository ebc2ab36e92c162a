"""A third round of made-up outages, most with changes beside them that could have done it; written before the logic was
held against them.
"""

from __future__ import annotations

from tests.unit.diagnosis.made_up_changes import NOISE, NONE, Outage, change, shown

_TIMEOUT = change("timeout", "services/assets/client.go", "tune request settings",
                  "-\tTimeout: 3 * time.Second,\n+\tTimeout: 5 * time.Second,", -9, "assets")
_WORKERS = change("workers", "services/assets/config/worker.yaml", "tune workers", "-workers: 8\n+workers: 12", -4,
       "assets")
_IDLE = change("idle", "services/assets/db.go", "idle settings",
               "-\tMaxIdleTime: 30 * time.Second,\n+\tMaxIdleTime: 90 * time.Second,", -3, "assets")

CASES = [
    Outage("surge-beside-tuning", shown("assets", "http_server_duration_p99_ms above 3000", [
        "worker queue is full", "upstream deadline exceeded"], moved=[
        ("edge", "requests_per_second", 200, 1300, -2), ("assets", "worker_busy_ratio", 0.4, 1.0, -1)], path="edge"),
           (_TIMEOUT, _WORKERS, *NOISE), NONE),
    Outage("third-party-beside-tuning", shown("assets", "upload error ratio", [
        "PUT https://storage.objectbox.io/v1/b: 500 Internal Server Error",
        "objectbox sdk: giving up after 5 attempts: 503"], notices=[
        ("objectbox: degraded performance of writes in eu-west", 2)]), (_TIMEOUT, _WORKERS, *NOISE), NONE),
    Outage("disk-of-the-database", shown("assets", "db write errors", [
        ("db", "ERROR: could not write to file: Input/output error"),
        ("db", "kernel: blk_update_request: I/O error, dev nvme1n1"), "write failed: connection reset"], path="db"),
           (_IDLE, _TIMEOUT, *NOISE), NONE),
    Outage("spot-nodes", shown("assets", "available replicas 1 of 6", [
        ("cluster", "spot interruption notice for ip-10-1-2-3"), "pod evicted: node was drained"]),
           (_WORKERS, *NOISE), NONE),
    Outage("expired-signing-key", shown("gate", "http_401_ratio", [
        "jwks: signing key kid=2025-01 has expired", "token rejected"]), (
        change("b", "services/gate/auth.go", "tidy verifier",
               "-\tv := NewVerifier(keys)\n-\treturn v.Check(tok)\n+\treturn NewVerifier(keys).Check(tok)", -3, "gate"),
        *NOISE), NONE),
    Outage("nightly-export", shown("assets", "db cpu 97 %, slow queries", [
        ("db", "scheduled export of warehouse running for 1800s, 40 parallel workers"),
        "slow query: SELECT id FROM assets WHERE owner = $1 took 5100ms"], path="db"), (_IDLE, _WORKERS, *NOISE), NONE),
    Outage("hot-tenant", shown("assets", "queue_depth", [
        "tenant acme burst: 48000 messages in 60s", "queue depth above limit"], moved=[
        ("assets", "messages_per_second", 100, 900, -1)]), (_WORKERS, _TIMEOUT, *NOISE), NONE),
    Outage("log-level-properties", shown("ledger", "disk_used_ratio 0.97", [
        "java.io.IOException: No space left on device"], gradual=True), (
        change("a", "ledger/src/main/resources/application.properties", "help support",
               "-logging.level.root=INFO\n+logging.level.root=DEBUG", -70, "ledger"),
        change("b", "ledger/src/main/java/Entry.java", "rename",
               "-    var e = read(id);\n+    var entry = read(id);", -6, "ledger"), *NOISE), "a"),
    Outage("poll-interval", shown("catalog", "requests_per_second tripled", [
        "429 too many requests from price feed client"], path="pricefeed"), (
        change("a", "services/pricefeed/poll.yaml", "fresher prices", "-poll_interval: 60s\n+poll_interval: 1s", -2,
               "pricefeed"),
        change("b", "services/catalog/list.go", "preallocate",
               "-\tvar out []Item\n+\tout := make([]Item, 0, n)", -1, "catalog"), *NOISE), "a"),
    Outage("label-cardinality", shown("metrics", "prometheus memory; OOMKilled", [
        "series limit reached: cardinality of http_requests_total is 2100000"], gradual=True, path="api"), (
        change("a", "services/api/middleware/metrics.go", "count requests by customer",
               "-\trequests.WithLabelValues(route).Inc()\n+\trequests.WithLabelValues(route, "
               "r.Header.Get(\"user_id\")).Inc()",
               -45, "api"),
        change("b", "services/api/health.go", "probe",
               "+func Live(w http.ResponseWriter, r *http.Request) {\n+\tw.WriteHeader(200)\n+}",
               -5, "api"), *NOISE), "a"),
    Outage("stricter-validation", shown("signup", "http_422_ratio", [
        "validation failed: phone must match ^\\\\+49"]), (
        change("a", "services/signup/validate.go", "validate phone numbers",
               "+\tif !phonePattern.MatchString(in.Phone) {\n+\t\treturn ErrPhone\n+\t}", -5, "signup"),
        change("b", "services/signup/mail.go", "subject", "-\tsubject := \"Hello\"\n+\tsubject := \"Welcome\"", -1,
               "signup"),
        *NOISE), "a"),
    Outage("wrong-region", shown("assets", "object fetch errors", [
        "AuthorizationHeaderMalformed: the region 'eu-west-1' is wrong; expecting 'us-east-1'"]), (
        change("a", "deploy/prod/assets.env", "align regions", "-AWS_REGION=us-east-1\n+AWS_REGION=eu-west-1", -2,
               "assets"),
        _IDLE, *NOISE), "a"),
    Outage("swapped-arguments", shown("transfer", "mismatch_total above 0", [
        "reconciliation mismatch: source and target accounts swapped"]), (
        change("a", "services/transfer/book.go", "named helper",
               "-\treturn l.Post(src, dst, amount)\n+\treturn l.Post(dst, src, amount)", -8, "transfer"),
        change("b", "services/transfer/fmt.go", "format", "-\tfmt.Sprint(a)\n+\tfmt.Sprintf(\"%v\", a)", -2,
               "transfer"),
        *NOISE), "a", sure=False),
    Outage("negated-flag", shown("search", "results empty for most queries", ["search returned 0 results"]), (
        change("a", "services/search/filter.py", "simplify filter",
               "-    return [d for d in docs if not d.deleted]\n+    return [d for d in docs if d.deleted]", -4,
                      "search"),
        change("b", "services/search/rank.py", "cache", "-    ttl = 60\n+    ttl = 70", -2, "search"), *NOISE), "a"),
    Outage("undeployed-decoy", shown("mail", "queue_depth", ["smtp connection pool exhausted"]), (
        change("a", "services/mail/smtp.go", "smaller pool", "-\tPoolSize: 40,\n+\tPoolSize: 4,", -6, "mail"),
        change("b", "services/mail/pool.go", "tune pool", "-\tPoolSize: 40,\n+\tPoolSize: 5,", 8, "mail", merged=-2),
               *NOISE),
           "a"),
    Outage("carried-along", shown("mail", "smtp errors", ["template render failed: undefined variable first_name"]), (
        change("a", "services/mail/templates.py", "shorter names",
               "-    ctx = {'first_name': user.first}\n+    ctx = {'name': user.first}", -30),
        change("b", "services/mail/stats.py", "count mails", "+    metrics.incr('mail.sent')", -2, "mail"), *NOISE),
               "a"),
    Outage("jvm-heap", shown("scoring", "gc_pause_seconds; heap used",
           ["java.lang.OutOfMemoryError: GC overhead limit exceeded"]),
           (change("a", "scoring/Dockerfile", "fit into small nodes",
                   "-ENV JAVA_OPTS=\"-Xmx2g\"\n+ENV JAVA_OPTS=\"-Xmx256m\"", -3, "scoring"),
            change("b", "scoring/src/Model.java", "comment", "-  // v1\n+  // v2", -2, "scoring"), *NOISE), "a"),
    Outage("lock-ttl", shown("jobs", "duplicate job runs", ["job invoice-7 ran twice: lock expired while running"]), (
        change("a", "services/jobs/lock.ts", "release locks sooner",
               "-const LOCK_TTL_MS = 300000;\n+const LOCK_TTL_MS = 5000;",
               -20, "jobs"),
        change("b", "services/jobs/log.ts", "log", "+logger.info('locked', id);", -2, "jobs"), *NOISE), "a"),
    Outage("ingress-path", shown("portal", "404 ratio", ["no route for GET /v2/orders"]), (
        change("a", "k8s/prod/ingress.yaml", "tidy paths", "-      - path: /v2\n+      - path: /v3", -1,
               kind="infrastructure"),
        change("b", "services/portal/menu.tsx", "menu", "-<li>Order</li>\n+<li>Orders</li>", -3, "portal"), *NOISE),
               "a"),
    Outage("iam-policy", shown("thumbs", "s3 put errors", [
        "AccessDenied: not authorized to perform s3:PutObject on thumbs-prod"]), (
        change("a", "terraform/iam/thumbs.tf", "least privilege",
               "-    actions = [\"s3:GetObject\", \"s3:PutObject\"]\n+    actions = [\"s3:GetObject\"]", -2,
                      kind="infrastructure"),
        change("b", "services/thumbs/scale.go", "quality", "-\tq := 80\n+\tq := 82", -4, "thumbs"), *NOISE), "a"),
]
