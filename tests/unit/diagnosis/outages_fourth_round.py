"""A fourth round of made-up outages, with the whole hunks that people write; written before the logic was held against
them.
"""

from __future__ import annotations

from tests.unit.diagnosis.made_up_changes import NOISE, NONE, Outage, change, shown

_READY = change("ready", "internal/health/ready.go", "feat: readiness",
                "+func Ready(w http.ResponseWriter, r *http.Request) {\n+\tw.WriteHeader(http.StatusOK)\n+}", -20)
_ENCODER = change("encoder", "pkg/codec/encode.go", "perf: reuse buffers",
                  "-\tbuf := bytes.Buffer{}\n+\tbuf := pool.Get().(*bytes.Buffer)\n+\tdefer pool.Put(buf)", -25)
_TIDY = change("handler", "services/offers/handler.go", "tidy decoding",
               "-\tvar in Offer\n-\tif err := json.NewDecoder(r.Body).Decode(&in); err != nil "
               "{\n-\t\thttp.Error(w, \"bad\", 400)\n"
               "-\t\treturn\n-\t}\n+\tin, err := decode[Offer](r)\n+\tif err != nil {\n+\t\twriteError(w, "
               "http.StatusBadRequest, err)\n"
               "+\t\treturn\n+\t}", -3, "offers")
BESIDE = (_READY, _ENCODER, _TIDY, *NOISE)

CASES = [
    Outage("mutex-removed", shown("offers", "process restarts per minute", [
        "fatal error: concurrent map read and map write", "goroutine 8812 [running]: offers/rates.(*Table).Get"]), (
        change("a", "services/offers/rates/table.go", "perf: cheaper lookups",
               " func (t *Table) Get(k string) Rate {\n-\tt.mu.RLock()\n-\tdefer t.mu.RUnlock()\n \treturn "
               "t.rates[k]\n }", -8,
               "offers"), *BESIDE), "a"),
    Outage("jitter-removed", shown("offers", "db_cpu_ratio spikes; cache hit ratio drops each hour", [
        "cache miss storm: 9100 keys expired in the same second", "slow query: SELECT price FROM offers"], path="db"), (
        change("a", "services/offers/cache.go", "chore: simplify expiry",
               "-\tttl := baseTTL + time.Duration(rand.Int63n(int64(jitter)))\n+\tttl := baseTTL\n \treturn "
               "c.Set(ctx, k, v, ttl)",
               -62, "offers"), *BESIDE), "a"),
    Outage("limiter-key", shown("offers", "http_429_ratio", ["rate limit exceeded: key=global"]), (
        change("a", "internal/ratelimit/middleware.go", "refactor: limiter keys",
               "-\tkey := clientID(r)\n+\tkey := \"global\"\n \tif !l.Allow(key) {", -6, "offers"), *BESIDE), "a"),
    Outage("offset-commit", shown("offers", "duplicate_events_total", ["event 81723 processed twice after rebalance"]),
           (
        change("a", "services/offers/consumer.go", "commit in the background",
               "-\tif err := handle(msg); err != nil {\n-\t\treturn err\n-\t}\n-\treturn c.CommitMessages(ctx, msg)\n"
               "+\tgo handle(msg)\n+\treturn nil", -30, "offers"), *BESIDE), "a"),
    Outage("rows-not-closed", shown("offers", "db_pool_in_use grows to its maximum", [
        "context deadline exceeded waiting for a connection"], gradual=True), (
        change("a", "services/offers/list.go", "early return",
               " \trows, err := db.QueryContext(ctx, q)\n \tif err != nil {\n \t\treturn nil, err\n \t}\n-\tdefer "
               "rows.Close()\n"
               " \tfor rows.Next() {", -80, "offers"), *BESIDE), "a"),
    Outage("default-flipped", shown("offers", "payment failures", ["3ds challenge required but not offered"]), (
        change("a", "pkg/flags/defaults.go", "chore: sort flag defaults",
               "-\t\"threeDS\": true,\n+\t\"threeDS\": false,", -5, "offers"), *BESIDE), "a", sure=False),
    Outage("deadline-shorter-than-callee", shown("offers", "grpc deadline exceeded ratio", [
        "rpc error: code = DeadlineExceeded desc = context deadline exceeded calling stock"], path="stock"), (
        change("a", "services/offers/stock_client.go", "tune stock client",
               "-\tctx, cancel := context.WithTimeout(ctx, 2*time.Second)\n+\tctx, cancel := "
               "context.WithTimeout(ctx, 150*time.Millisecond)\n"
               " \tdefer cancel()", -7, "offers"),
        change("b", "services/stock/query.go", "comment", "-\t// by sku\n+\t// by sku and site", -4, "stock"),
               *BESIDE), "a"),
    Outage("index-dropped-by-model", shown("offers", "db latency p99",
           ["slow query: SELECT * FROM bids WHERE offer_id took 3800ms"]), (
        change("a", "services/offers/models.py", "clean up model",
               "-    offer_id = Column(Integer, index=True)\n+    offer_id = Column(Integer)", -6, "offers"), *BESIDE),
                      "a"),
    Outage("sync-call-in-loop", shown("offers", "http_server_duration_p99_ms",
           ["request took 6200ms: 140 calls to stock"], path="stock"), (
        change("a", "services/offers/enrich.ts", "simplify enrichment",
               "-  const stock = await client.getMany(items.map(i => i.sku));\n+  for (const i of items) {\n+    "
               "i.stock = await client.get(i.sku);\n+  }",
               -9, "offers"), *BESIDE), "a"),
    Outage("host-typo", shown("offers", "upstream errors",
           ["dial tcp: lookup stock.svc.cluster.locall: no such host"]), (
        change("a", "deploy/prod/offers/config.yaml", "align hosts",
               "-stock_host: stock.svc.cluster.local\n+stock_host: stock.svc.cluster.locall", -2, "offers"), *BESIDE),
                      "a"),
    Outage("node-memory-hardware", shown("offers", "pod restarts", [
        ("node", "EDAC MC0: uncorrectable ECC error on DIMM_A1"), "offers exited with signal 7 (SIGBUS)"]), BESIDE,
               NONE),
    Outage("resolver-outage", shown("offers", "lookup failures", [
        "lookup api.paypal.com: server misbehaving (SERVFAIL)", ("coredns", "upstream resolver 10.0.0.2 timed out")]),
               BESIDE, NONE),
    Outage("crawler", shown("offers", "p99 latency; cpu saturated", ["request queue full"], moved=[
        ("edge", "requests_per_sec", 300, 2400, -3), ("offers", "requests_per_sec", 280, 2300, -3)], path="edge"), (
        change("a", "services/offers/config.yaml", "tune limits", "-max_inflight: 200\n+max_inflight: 220", -10,
               "offers"),
        *BESIDE), NONE),
    Outage("vendor-api", shown("offers", "geocoding errors", [
        "geocoder api.maps.example answered 503 Service Unavailable", "geocoder: circuit open"]), (
        change("a", "services/offers/geo.go", "retry geocoding", "-\tretries: 2,\n+\tretries: 3,", -6, "offers"),
               *BESIDE), NONE),
]
