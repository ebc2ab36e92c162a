"""Made-up outages in which an innocent change of the same subsystem came right before the symptom; written before the
logic was held against them.
"""

from __future__ import annotations

from tests.unit.diagnosis.made_up_changes import NOISE, NONE, Outage, change, shown

_SPANS = change("spans", "internal/trace/attrs.go", "feat: emit span attributes",
                "+\t\tspan.SetAttributes(attribute.String(\"cart_id\", id))", -1)
_VAT = change("vat", "services/order/tax.go", "fix: rounding of taxes",
              "-\treturn math.Round(net * rate)\n+\treturn math.Round(net*rate*100) / 100", -2, "order")

CASES = [
    Outage("goroutine-leak", shown("feed", "process_resident_memory_mb; pods OOMKilled", [
        "runtime: goroutine stack exceeds limit; goroutines=184022", "container killed: OOMKilled"], gradual=True,
               moved=[
        ("feed", "goroutines", 220, 180000, 0)]), (
        change("a", "services/feed/subscribe.go", "simplify subscription loop",
               " \tgo func() {\n \t\tfor {\n \t\t\tselect {\n-\t\t\tcase <-ctx.Done():\n-\t\t\t\treturn\n"
               " \t\t\tcase ev := <-src:\n \t\t\t\tout <- ev\n", -3, "feed"),
        change("b", "services/feed/buffer.go", "tune buffers", "-\tbufSize := 512\n+\tbufSize := 768", 95, "feed"),
        _SPANS, *NOISE), "a"),
    Outage("context-dropped", shown("search", "p99 latency and in-flight requests", [
        "too many in-flight requests", "worker pool saturated: 512 of 512 busy"]), (
        change("a", "services/search/fanout.go", "use background context for shards",
               "-\tctx, cancel := context.WithTimeout(ctx, 300*time.Millisecond)\n-\tdefer cancel()\n"
               "+\tctx = context.Background()\n \tfor _, s := range shards {", -9, "search"),
        change("b", "services/search/fanout_log.go", "log slow shards", "+\tlog.Warn(\"slow shard\", \"id\", s.ID)", -3,
               "search"), _SPANS, *NOISE), "a"),
    Outage("circuit-breaker-off", shown("checkout", "thread pool exhausted", [
        "http-nio-8080-exec threads all busy waiting on recommendation"], path="recommendation", moved=[
        ("checkout", "tomcat_threads_busy", 20, 200, 0)]), (
        change("a", "checkout/src/main/java/Recommend.java", "drop unused annotation",
               "-  @CircuitBreaker(name = \"recommendation\", fallbackMethod = \"none\")\n"
               "   List<Item> recommended(String user) {", -11, "checkout"),
        change("b", "checkout/src/main/java/CartController.java", "extract method",
               "-    Cart c = repo.find(id);\n-    c.total();\n-    return c;\n+    return load(id);\n+  }\n+\n"
               "+  private Cart load(String id) {\n+    Cart c = repo.find(id);\n+    c.total();\n+    return c;", -3,
               "checkout"), *NOISE), "a"),
    Outage("pool-raised-beyond-database", shown("accounts", "db connections refused", [
        "FATAL: sorry, too many clients already", ("postgres", "remaining connection slots are reserved")],
        path="postgres"), (
        change("a", "deploy/prod/accounts.yaml", "more throughput",
               "   env:\n-  - {name: DB_POOL_SIZE, value: \"10\"}\n"
               "+  - {name: DB_POOL_SIZE, value: \"100\"}", -4, "accounts"),
        change("b", "accounts/query.sql.go", "regenerate", "-// sqlc v1.24\n+// sqlc v1.25", -2, "accounts"),
        *NOISE), "a"),
    Outage("cookie-domain", shown("web-auth", "login loop; 401 ratio", [
        "session cookie missing on callback"]), (
        change("a", "web-auth/session.ts", "tighten cookies",
               "-  sameSite: 'lax',\n+  sameSite: 'strict',", -6, "web-auth"),
        change("b", "web-auth/session.test.ts", "tests", "+it('logs in', async () => {})", -2, "web-auth"),
        change("c", "web-auth/login.tsx", "button", "-<Button>Log in</Button>\n+<Button>Sign in</Button>", -1,
               "web-auth"),
        *NOISE), "a"),
    Outage("time-zone", shown("billing", "invoices_generated_total dropped to 0", [
        "scheduler: next run in 23h59m", "no invoices due"]), (
        change("a", "billing/scheduler.py", "use local time",
               "-    now = datetime.now(timezone.utc)\n+    now = datetime.now()", -14, "billing"),
        change("b", "billing/pdf.py", "font", "-    font = 'Arial'\n+    font = 'Inter'", -3, "billing"), *NOISE), "a"),
    Outage("grpc-message-size", shown("export", "export error ratio", [
        "rpc error: code = ResourceExhausted desc = grpc: received message larger than max (6291456 vs. 4194304)"],
        path="store"), (
        change("a", "services/store/list.go", "fewer round trips", "-\tconst pageSize = 500\n+\tconst pageSize = 5000",
               -7,
               "store"),
        change("b", "services/export/grpc.go", "name the dialer",
               "-\tconn, err := grpc.Dial(addr, opts...)\n+\tcc, err := grpc.Dial(addr, opts...)\n-\treturn conn, err\n"
               "+\treturn cc, err", -2, "export"), *NOISE), "a"),
    Outage("readiness-path", shown("catalog", "no healthy upstream; available replicas 0", [
        "Readiness probe failed: HTTP probe failed with statuscode: 404"]), (
        change("a", "charts/catalog/templates/deployment.yaml", "align probes",
               "   readinessProbe:\n     httpGet:\n-      path: /healthz\n+      path: /ready", -2, "catalog"),
        change("b", "charts/catalog/values.yaml", "label", "-  team: shop\n+  team: store", -2, "catalog"), *NOISE),
               "a"),
    Outage("hpa-max", shown("api", "cpu saturated at peak, requests shed", ["request shed: overloaded"], moved=[
        ("api", "cpu_used_ratio", 0.5, 0.99, 0)]), (
        change("a", "k8s/prod/api-hpa.yaml", "cost guard", "   minReplicas: 4\n-  maxReplicas: 40\n+  maxReplicas: 6",
               -8, "api"),
        change("b", "services/api/ratelimit.go", "comment", "-\t// per client\n+\t// per client and route", -1, "api"),
        *NOISE), "a"),
    Outage("serialised-lock", shown("pricing", "http_server_duration_p99_ms", [
        "slow request: waited 1800ms for mutex"], moved=[("pricing", "mutex_wait_seconds_total", 0.1, 90, 0)]), (
        change("a", "pkg/rates/table.go", "one lock is enough",
               "-\tt.mu.RLock()\n-\tdefer t.mu.RUnlock()\n+\tt.mu.Lock()\n+\tdefer t.mu.Unlock()\n \treturn "
               "t.fetch(k)", -9,
               "pricing"),
        change("b", "services/pricing/cache.go", "cache ttl", "-\tTTL: 5 * time.Minute,\n+\tTTL: 6 * time.Minute,", -4,
               "pricing"), _SPANS, *NOISE), "a"),
    Outage("cors", shown("portal", "frontend errors; API calls from browsers fail", [
        "blocked by CORS policy: no 'Access-Control-Allow-Origin' header"], path="bff"), (
        change("a", "bff/src/app.ts", "one origin list",
               "-  cors({ origin: [/\\.shop\\.example$/] }),\n+  cors({ origin: ['https://shop.example'] }),", -5,
                      "bff"),
        change("b", "portal/src/api.ts", "typing", "-export function get(u) {\n+export function get(u: string) {", -2,
               "portal"), *NOISE), "a"),
    Outage("batch-poison", shown("ingest", "records rejected", [
        "strconv.ParseInt: parsing \"12.0\": invalid syntax for field weight"], path="scale"), (
        change("a", "services/scale/publish.go", "publish weights with decimals",
               "-\tev.Weight = strconv.Itoa(w)\n+\tev.Weight = fmt.Sprintf(\"%.1f\", float64(w))", -3, "scale"),
        change("b", "services/ingest/batch.go", "batch size", "-\tbatch: 100,\n+\tbatch: 120,", -2, "ingest"),
        *NOISE), "a"),
    Outage("dependency-major", shown("notify", "TypeError on each mail", [
        "TypeError: transport.sendMail is not a function (nodemailer)"]), (
        change("a", "package.json package-lock.json", "bump nodemailer",
               "-    \"nodemailer\": \"6.9.8\"\n+    \"nodemailer\": \"7.0.0\"", -6, "notify"),
        change("b", "notify/templates/welcome.html", "greeting", "-<p>Hi</p>\n+<p>Welcome</p>", -2, "notify"),
        *NOISE), "a"),
    Outage("no-cancel-of-window", shown("stats", "db cpu 98 %, slow queries", [
        "slow query: SELECT * FROM events WHERE tenant = ? took 9100ms"], path="db", gradual=True), (
        change("a", "services/stats/report.go", "all-time report",
               "-\tq := `SELECT * FROM events WHERE tenant = ? AND at > now() - interval '1 day'`\n"
               "+\tq := `SELECT * FROM events WHERE tenant = ?`", -25, "stats"),
        change("b", "services/stats/pool.go", "pool", "-\tMaxConns: 20,\n+\tMaxConns: 25,", -3, "stats"),
        _VAT, *NOISE), "a"),
    Outage("secret-name", shown("mailer", "authentication failures", [
        "535 authentication failed: username or password not accepted"]), (
        change("a", "deploy/prod/mailer.yaml", "tidy secret references",
               "           secretKeyRef:\n-            name: smtp-credentials\n+            name: smtp-credentials-v2",
                      -2,
               "mailer"),
        change("b", "services/mailer/retry.go", "one retry more", "-\tretries = 2\n+\tretries = 3", -6, "mailer"),
        *NOISE), "a"),
    Outage("growth-of-traffic-only-measured", shown("order", "http_server_duration_p99_ms above 2000", [
        "upstream deadline exceeded"], moved=[("edge", "requests_per_sec", 510, 1660, -4), (
            "order", "requests_per_sec", 300, 990, -4), ("order", "cpu_used_ratio", 0.4, 0.98, -2)], path="edge"),
           (_VAT, _SPANS, change("c", "services/order/handler.go", "tidy decoding",
                                 "-\tvar in Order\n-\tif err := json.NewDecoder(r.Body).Decode(&in); err != nil {\n"
                                 "+\tin, err := decode[Order](r)\n+\tif err != nil {", -3, "order"), *NOISE), NONE),
    Outage("partner-slow", shown("order", "payment authorisation latency", [
        "Post \"https://api.payhub.io/v2/authorize\": context deadline exceeded",
        "payhub answered 502 Bad Gateway"], moved=[("order", "payhub_request_duration_p99_ms", 200, 8000, 0)]),
           (_VAT, change("c", "services/order/payhub.go", "header", "+\treq.Header.Set(\"User-Agent\", ua)", -4,
                  "order"),
            *NOISE), NONE),
    Outage("database-host", shown("order", "query errors", [
        "connection reset by peer", ("db", "mysqld: InnoDB: Operating system error number 5 (Input/output error)")],
        path="db"), (_VAT, change("c", "pkg/db/options.go", "option names",
                                  "-\tOpts{Idle: 10 * time.Second}\n+\tOpts{Idle: 12 * time.Second}", -5, "order"),
                     *NOISE), NONE),
    Outage("nothing-fits", shown("order", "tls handshake errors from one client",
           ["remote error: tls: bad record MAC"]),
           (_VAT, _SPANS, *NOISE), NONE),
    Outage("backup-window", shown("order", "db_read_latency_ms", [
        ("db", "pg_dump of orders running since 02:00, io saturated")], path="db"), (
        _VAT, change("c", "services/order/list.go", "limit", "-\tLIMIT = 50\n+\tLIMIT = 60", -6, "order"), *NOISE),
               NONE),
]
