"""Made-up outages that a change brought, each with innocent ones beside it; written before the logic that judges them.
"""

from __future__ import annotations

from tests.unit.diagnosis.made_up_changes import NOISE, Outage, change, shown

CASES = [
    Outage("go-pool-shrunk", shown("orders", "db_pool_wait_seconds_p99 above 1", [
        "could not acquire connection from pool: context deadline exceeded"], path="cart"), (
        change("a", "services/orders/db.go", "tune database settings",
               "-\tdb.SetMaxOpenConns(100)\n+\tdb.SetMaxOpenConns(8)", -4, "orders"),
        change("b", "services/orders/handler.go", "extract response helper",
               "-\tw.WriteHeader(200)\n-\tjson.NewEncoder(w).Encode(v)\n+\twriteJSON(w, v)\n+}\n+\n"
               "+func writeJSON(w http.ResponseWriter, v any) "
               "{\n+\tw.WriteHeader(200)\n+\tjson.NewEncoder(w).Encode(v)",
               -2, "orders"), *NOISE), "a"),
    Outage("java-hikari-leak", shown("billing", "http 5xx ratio", [
        "HikariPool-1 - Connection is not available, request timed out after 30000ms"], gradual=True), (
        change("a", "billing/src/main/java/InvoiceDao.java", "simplify invoice lookup",
               "-    try (Connection c = ds.getConnection()) {\n-      return "
               "map(c.prepareStatement(SQL).executeQuery());\n"
               "-    }\n+    Connection c = ds.getConnection();\n"
               "+    return map(c.prepareStatement(SQL).executeQuery());", -50, "billing"),
        change("b", "billing/src/main/java/InvoiceController.java", "add a log line",
               "+    log.info(\"invoice {} asked for\", id);", -3, "billing"), *NOISE), "a"),
    Outage("python-missing-index", shown("catalog", "db_query_latency_p99_ms", [
        "slow query: SELECT * FROM products WHERE brand_id = %s took 4200ms"]), (
        change("a", "catalog/migrations/0042_drop_brand_index.sql", "clean up unused indexes",
               "+DROP INDEX products_brand_id_idx;", -3, "catalog"),
        change("b", "catalog/api/serializers.py", "rename a helper",
               "-def _as_dict(o):\n-    return o.dict()\n+def to_dict(o):\n+    return o.dict()", -1, "catalog"),
        *NOISE), "a"),
    Outage("python-n-plus-one", shown("reports", "http_server_duration_p95_ms above 3000", [
        "query count 812 for request /api/accounts"], moved=[("reports", "db_queries_per_request", 6, 800, 0)]), (
        change("a", "reports/views.py", "tidy the account list",
               "-    accounts = Account.objects.select_related('owner').all()\n+    accounts = Account.objects.all()",
               -4, "reports"),
        change("b", "reports/config/pool.yaml", "pool", "-pool_size: 20\n+pool_size: 25", -30, "reports"), *NOISE),
               "a"),
    Outage("ts-retry-storm", shown("payments", "request_rate_rps doubled; 503 ratio 0.4", [
        "overloaded: rejecting request", ("checkout", "charge attempt 9 failed, will try again")], path="checkout"), (
        change("a", "checkout/src/client.ts", "make charges more reliable",
               "-  retries: 1,\n-  backoff: 'exponential',\n+  retries: 10,\n+  backoff: 'none',", -3, "checkout"),
        change("b", "payments/src/money.ts", "format", "-  return amount/100\n+  return amount / 100;", -6, "payments"),
        *NOISE), "a"),
    Outage("cache-ttl", shown("product", "cache_hit_ratio below 0.6; origin requests up", [
        "cache miss for key product:*"], moved=[("product", "cache_hit_ratio", 0.97, 0.1, 0)]), (
        change("a", "product/config/application.yml", "freshness of prices",
               "   cache:\n-    ttl: 3600s\n+    ttl: 3s", -2, "product"),
        change("b", "product/src/Price.java", "javadoc", "+  /** The price in cents. */", -1, "product"), *NOISE), "a"),
    Outage("cache-key", shown("product", "cache hit ratio collapsed", [
        "cache miss", ("db", "too many connections")], path="db"), (
        change("a", "product/cache.py", "include request context",
               "-    key = f'price:{sku}'\n+    key = f'price:{sku}:{request.id}'", -6, "product"),
        change("b", "product/views.py", "guard", "+    if sku is None:\n+        return None", -2, "product"),
        *NOISE), "a"),
    Outage("flag-on", shown("checkout", "http_5xx_ratio above 0.05", [
        "NullPointerException in LoyaltyPriceCalculator: tier is null"]), (
        change("loyalty-pricing", "", "loyalty-pricing", at=-1, on="checkout", kind="flag", after="on"),
        change("b", "checkout/README.md", "docs", "-x\n+y", -2, "checkout"), *NOISE), "loyalty-pricing"),
    Outage("nil-guard-removed", shown("profile", "panics per minute", [
        "panic: runtime error: invalid memory address or nil pointer dereference in avatar.go"]), (
        change("a", "services/profile/avatar.go", "drop dead branch",
               "-\tif u.Avatar == nil {\n-\t\treturn defaultAvatar\n-\t}\n \treturn u.Avatar.URL", -4, "profile"),
        change("b", "services/profile/name.go", "trim names",
               "-\treturn n\n+\treturn strings.TrimSpace(n)", -9, "profile"), *NOISE), "a"),
    Outage("jwt-audience", shown("gateway", "http_401_ratio", [
        "token rejected: audience mobile-app is not accepted"]), (
        change("a", "gateway/auth/policy.ts", "narrow accepted audiences",
               "-const AUDIENCES = ['web', 'mobile-app'];\n+const AUDIENCES = ['web'];", -3, "gateway"),
        change("b", "gateway/auth/middleware.ts", "error text",
               "-    res.status(401).send('unauthorised');\n+    res.status(401).send('unauthorized');", -1, "gateway"),
        *NOISE), "a"),
    Outage("proto-field", shown("pricing", "decode failures", [
        "proto: cannot parse invalid wire-format data in PriceReply.currency"], path="shop"), (
        change("a", "proto/price.proto", "order fields by name",
               "-  string currency = 3;\n-  int64 cents = 2;\n+  string currency = 2;\n+  int64 cents = 3;", -2,
                      "pricing"),
        change("b", "pricing/round.go", "comment", "-\t// round\n+\t// rounds half up", -1, "pricing"), *NOISE), "a"),
    Outage("json-tag", shown("orders", "validation errors from warehouse", [
        ("warehouse", "field 'quantity' is required")], path="warehouse"), (
        change("a", "services/orders/dto.go", "short names",
               "-\tQty int `json:\"quantity\"`\n+\tQty int `json:\"qty\"`", -2, "orders"),
        change("b", "services/warehouse/validate.go", "wording",
               "-\treturn errors.New(\"field required\")\n+\treturn errors.New(\"field is required\")", -1,
                      "warehouse"),
        *NOISE), "a"),
    Outage("column-renamed", shown("users", "http_5xx", [
        "psycopg2.errors.UndefinedColumn: column users.phone does not exist"]), (
        change("a", "users/migrations/0107.sql", "clearer names",
               "+ALTER TABLE users RENAME COLUMN phone TO phone_number;", -1, "users"),
        change("b", "users/forms.py", "placeholder", "-    label = 'Phone'\n+    label = 'Telephone'", -20, "users"),
        *NOISE), "a"),
    Outage("locking-migration", shown("ledger", "lock wait timeouts", [
        "canceling statement due to lock timeout: relation entries"]), (
        change("a", "ledger/db/20260101_add_check.sql", "constrain amounts",
               "+ALTER TABLE entries ADD CONSTRAINT positive CHECK (amount >= 0);", -1, "ledger"),
        change("b", "ledger/job.py", "log", "-    log.debug('x')\n+    log.debug('job %s', name)", -2, "ledger"),
        *NOISE), "a"),
    Outage("deadlock-order", shown("wallet", "deadlocks per second", [
        "Deadlock found when trying to get lock; try restarting transaction"]), (
        change("a", "wallet/transfer.py", "transfer reads nicer",
               "-    for a in sorted((src, dst), key=lambda x: x.id):\n-        a.lock()\n+    src.lock()\n+    "
               "dst.lock()",
               -12, "wallet"),
        change("b", "wallet/api.py", "paths", "-@app.get('/v1/wallet')\n+@app.get('/v1/wallet', tags=['w'])", -2,
               "wallet"), *NOISE), "a"),
    Outage("unbounded-cache", shown("session", "container_memory_working_set grows; OOMKilled", [
        "java.lang.OutOfMemoryError: Java heap space"], gradual=True), (
        change("a", "session/src/Store.java", "use a plain map",
               "-  private final Cache<String, Session> live = CacheBuilder.newBuilder().maximumSize(10000).build();\n"
               "+  private final Map<String, Session> live = new ConcurrentHashMap<>();", -240, "session"),
        change("b", "session/src/Api.java", "rename", "-    var s = get(id);\n+    var found = get(id);", -10,
               "session"),
        *NOISE), "a"),
    Outage("helm-memory-limit", shown("resizer", "pods OOMKilled", ["container resizer OOMKilled exit code 137"]), (
        change("a", "charts/resizer/values.yaml", "right-size",
               "   resources:\n     limits:\n-      memory: 1Gi\n+      memory: 128Mi", -3, "resizer"),
        change("b", "services/resizer/main.go", "tidy imports", "-\t\"os\"\n-\t\"io\"\n+\t\"io\"\n+\t\"os\"", -2,
               "resizer"), *NOISE), "a"),
    Outage("cpu-limit", shown("search", "cpu throttling 90 %, p99 latency", ["request took 4100ms"], moved=[
        ("search", "container_cpu_throttled_ratio", 0.01, 0.9, 0)]), (
        change("a", "deploy/prod/search.yaml", "save cost",
               "         limits:\n-          cpu: \"4\"\n+          cpu: 250m",
               -2, "search"),
        change("b", "services/search/rank.go", "docs in code", "-// Rank.\n+// Rank ranks.", -3, "search"), *NOISE),
               "a"),
    Outage("regex", shown("waf", "cpu saturation at 100 %", ["worker did not answer within 10s"], moved=[
        ("waf", "cpu_used_ratio", 0.3, 1.0, 0)]), (
        change("a", "waf/rules.lua", "catch inline scripts",
               "-local RULE = [[<script]]\n+local RULE = "
               "[[(?:(?:\"|'|\\]|\\}|\\\\|\\d|(?:nan|infinity))*.*(?:.*=.*))]]",
               -1, "waf"),
        change("b", "waf/log.lua", "log", "+ngx.log(ngx.INFO, 'rule ', id)", -2, "waf"), *NOISE), "a"),
    Outage("thread-pool", shown("notify", "task rejections", [
        "java.util.concurrent.RejectedExecutionException: queue capacity exceeded"]), (
        change("a", "notify/src/main/resources/application.properties", "executor",
               "-executor.max-size=64\n+executor.max-size=4", -8, "notify"),
        change("b", "notify/src/Mail.java", "subject", "-  String SUBJECT = \"Hi\";\n+  String SUBJECT = \"Hello\";",
               -2,
               "notify"), *NOISE), "a"),
    Outage("blocking-loop", shown("chat", "event loop lag seconds", ["event loop blocked for 2100ms"]), (
        change("a", "chat/src/hash.ts", "sync is simpler",
               "-  const digest = await bcrypt.hash(pw, 12);\n+  const digest = bcrypt.hashSync(pw, 12);", -3, "chat"),
        change("b", "chat/src/ui.ts", "i18n", "-  t('hi')\n+  t('hello')", -1, "chat"), *NOISE), "a"),
    Outage("kafka-consumer", shown("indexer", "consumer_lag_messages", [
        "member left group: max poll interval exceeded, rebalancing"], gradual=True), (
        change("a", "indexer/consumer.yaml", "fewer round trips",
               "-max.poll.records: 100\n+max.poll.records: 10000", -15, "indexer"),
        change("b", "indexer/map.py", "guard", "+    if not doc:\n+        continue", -4, "indexer"), *NOISE), "a"),
    Outage("terraform-security-group", shown("api", "connection errors to database", [
        "dial tcp 10.0.3.7:5432: i/o timeout"]), (
        change("a", "terraform/network/database.tf", "narrow access",
               " resource \"aws_security_group_rule\" \"db\" {\n-  cidr_blocks = [\"10.0.0.0/16\"]\n"
               "+  cidr_blocks = [\"10.0.1.0/24\"]", -1, kind="infrastructure"),
        change("b", "services/api/routes.go", "alias",
               "+\tr.Get(\"/v1/ping\", ping)", -4, "api"), *NOISE), "a"),
    Outage("dns-record", shown("mailer", "smtp connect errors", [
        "lookup smtp.internal.example: no such host"]), (
        change("a", "dns/zones/internal.yaml", "remove stale records",
               "-smtp:\n-  type: CNAME\n-  value: mail-3.internal.example", -2, kind="infrastructure"),
        change("b", "services/mailer/template.html", "wording", "-<p>Hi</p>\n+<p>Hello</p>", -3, "mailer"),
        *NOISE), "a"),
    Outage("timeout-cut", shown("quotes", "error_ratio", ["carrier call failed: timeout of 200ms exceeded"]), (
        change("a", "services/quotes/carrier.go", "fail fast",
               "-\tTimeout: 3 * time.Second,\n+\tTimeout: 200 * time.Millisecond,", -2, "quotes"),
        change("b", "services/quotes/price.go", "rounding",
               "-\treturn math.Floor(p)\n+\treturn math.Round(p)", -1, "quotes"), *NOISE), "a"),
    Outage("env-renamed", shown("export", "crash loops", [
        "KeyError: 'EXPORT_BUCKET'", "pod export-7 is in CrashLoopBackOff"]), (
        change("a", "charts/export/templates/deployment.yaml", "consistent names",
               "-        - name: EXPORT_BUCKET\n+        - name: EXPORT_S3_BUCKET", -1, "export"),
        change("b", "export/csv.py", "quoting", "-    w = csv.writer(f)\n+    w = csv.writer(f, lineterminator='\\n')",
               -2, "export"), *NOISE), "a"),
    Outage("route-dropped", shown("portal", "404 ratio for /api/invites", ["no route matches POST /api/invites"]), (
        change("a", "portal/src/router.ts", "split router",
               "-router.use('/api/invites', invites);\n router.use('/api/teams', teams);", -3, "portal"),
        change("b", "portal/src/teams.ts", "type", "-function f(a) {\n+function f(a: Team) {", -1, "portal"), *NOISE),
               "a"),
    Outage("rate-limit", shown("edge", "429 ratio above 0.2", ["rate limit exceeded for client"]), (
        change("a", "edge/limits.yaml", "protect origin", "-requests_per_second: 500\n+requests_per_second: 5", -2,
               "edge"),
        change("b", "edge/headers.go", "header", "+\tw.Header().Set(\"X-Edge\", id)", -1, "edge"), *NOISE), "a"),
    Outage("defer-close", shown("crawler", "too many open files", [
        "socket: too many open files"], gradual=True), (
        change("a", "pkg/fetch/client.go", "shorter",
               "-\tdefer resp.Body.Close()\n \treturn io.ReadAll(resp.Body)", -90, "crawler"),
        change("b", "services/crawler/parse.go", "name", "-\tx := parse(b)\n+\tdoc := parse(b)", -5, "crawler"),
        *NOISE), "a"),
    Outage("temp-files", shown("render", "disk_used_ratio above 0.95", [
        "write /tmp/render-81.png: no space left on device"], gradual=True), (
        change("a", "render/worker.py", "keep intermediate output",
               "-    with tempfile.TemporaryDirectory() as d:\n-        draw(d)\n+    d = tempfile.mkdtemp()\n+    "
               "draw(d)",
               -200, "render"),
        change("b", "render/colors.py", "colour", "-RED = '#f00'\n+RED = '#e00'", -3, "render"), *NOISE), "a"),
    Outage("idempotency", shown("capture", "duplicate_charges_total", [
        "duplicate charge for order"]), (
        change("a", "services/capture/charge.go", "simplify",
               "-\treq.Header.Set(\"Idempotency-Key\", order.ID)\n+\treq.Header.Set(\"Idempotency-Key\", "
               "uuid.NewString())",
               -9, "capture"),
        change("b", "services/capture/log.go", "log", "+\tlog.Printf(\"captured\")", -2, "capture"), *NOISE), "a"),
    Outage("shared-library", shown("invoice", "http_5xx_ratio", [
        "json: cannot unmarshal string into Go struct field Money.amount of type int64"], path="order"), (
        change("a", "pkg/money/json.go", "amounts as text",
               "-\treturn []byte(strconv.FormatInt(m.Amount, 10)), nil\n+\treturn "
               "[]byte(strconv.Quote(m.String())), nil",
               -6, "order"),
        change("b", "services/invoice/pdf.go", "margins", "-\tmargin = 10\n+\tmargin = 12", -2, "invoice"), *NOISE),
               "a"),
]
