"""What a change is about and what a symptom is about: topics of operations, and which can bring which.

A topic is told by words, as whole words of an identifier or as a phrase. The words are those of common drivers,
frameworks,
Kubernetes and AWS, and of publicly written postmortems; none is of a recorded outage.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache

TOPICS: Mapping[str, str] = {
    # Two spaces part the phrases; an underscore within one is a space.
    "pool": """
        pool pooled hikari hikaricp pgbouncer pgx pgxpool dbcp c3p0 maxconns max_conns maxopenconns max_open_conns
        max_connections maxconnections pool_size maxpoolsize acquire checkout_connection too_many_clients
        too_many_connections setmaxopenconns maxidleconns setmaxidleconns getconnection close_connection
        connection_is_not_available max_idle""",
    "query": """
        query queries sql select where limit join index indexes idx orm rows_examined seq_scan table_scan slow_query
        prefetch select_related joinedload includes eager lazy n+1 order_by group_by explain findall find_all
        paginate pagination page_size full_scan statement db_cpu rows cursor fetchall query_latency aggregate""",
    "lock": """
        lock locks locked unlock mutex rwmutex synchronized deadlock deadlocks semaphore for_update isolation
        serializable lock_timeout contention advisory blocked_by alter_table add_constraint transaction tx begin
        commit lock_wait wait_for_lock rlock critical_section optimistic conflict serialize""",
    "timeout": """
        timeout timeouts latency p99 p95 duration_ms slow took slower elapsed server_duration deadline timed_out
        time_out deadline_exceeded keepalive keep_alive withtimeout read_timeout connect_timeout 504 gateway_timeout
        request_timeout context_deadline""",
    "retry": """
        retry retries retrying attempts attempt backoff jitter max_retries maxretries hedge circuit breaker
        circuitbreaker resubmit redeliver retry_storm resilience4j polly tenacity""",
    "load": """
        overload overloaded request_rate rps qps load shed shedding requests_per_second throughput saturated
        queue_is_full concurrency inflight in_flight poll polling interval fanout fan_out broadcast refresh
        prefetching upstream_requests call_rate amplification""",
    "cache": """
        cache cached caches caching ttl expire expires evict eviction evictions hit_ratio hit_rate miss misses memo
        memoize redis memcached cdn cache_control vary etag varnish stampede warm max_age stale s-maxage surrogate
        lru invalidate invalidation maxage""",
    "auth": """
        auth authn authz authenticate authentication authorize authorization unauthorized forbidden token tokens jwt
        jwks audience issuer claims leeway clock_skew expiry exp nbf scope scopes role roles permission permissions
        policy iam access_denied accessdenied accessdeniedexception 401 403 oauth oidc saml session sessions cookie
        samesite csrf credential credentials password secret apikey api_key login sso principal assumerole signature
        signing hmac rbac verifier invalid_token kid bearer acl denied rejected""",
    "tls": """
        tls ssl x509 certificate certificates cert certs handshake cipher ciphers ciphersuites minversion truststore
        keystore ca_bundle cabundle sni mtls verify_peer insecureskipverify unknown_authority alpn pem""",
    "memory": """
        memory oom oomkilled outofmemory outofmemoryerror heap rss gc garbage working_set xmx gomemlimit leak leaks
        buffer buffers maximumsize max_size unbounded readall read_all goroutine goroutines listener listeners
        addlistener addeventlistener cardinality slice append allocation arena memory_limit max_old_space retain
        weakref map hashmap concurrenthashmap exit_code_137 137 static""",
    "cpu": """
        cpu throttled throttling cpu_throttled regex regexp backtracking loop busy spin bcrypt rounds cost compress
        gzip zstd brotli level sort quadratic nested encode encrypt hash event_loop hashsync sync worker_cpu
        load_average millicores gomaxprocs match pattern""",
    "disk": """
        disk space inode inodes volume no_space no_space_left enospc storage wal tempfile tmp temp mkdtemp rotate
        rotation retention logrotate log_level loglevel debug sample_rate sampling archive dump spool snapshot pvc
        iops filesystem disk_used verbose verbosity trace_level mounted fsync read-only_file""",
    "queue": """
        queue queues consumer consumers lag backlog kafka sqs rabbitmq pubsub partition partitions offset rebalance
        rebalancing rebalanced poll_interval max_poll prefetch_count ack nack dlq dead_letter batch batch_size
        visibility redelivery topic subscription listener_concurrency message messages age_of_oldest stream shard
        kinesis nats celery sidekiq""",
    "format": """
        json proto protobuf avro thrift xml yaml parse parsed parser parsing decode decoding decoder unmarshal
        marshal deserialize deserialization serialize serializer serialization schema field fields column columns
        mapping mapped type cast enum dto tag tags required missing_field unknown_field undefinedcolumn
        undefined_column does_not_exist wire format content_type content-type encoding charset utf-8 rename renamed
        contract version compat compatibility validation validate invalid_format malformed cannot_parse
        parse_exception unexpected_token unmarshalling jackson property properties attribute rounding precision
        timestamp date timezone locale strconv itoa sprintf tostring parseint parsefloat strftime isoformat quote
        regex_match alias""",
    "null": """
        null nil none nullpointer nullpointerexception npe undefined nonetype attributeerror typeerror keyerror
        indexerror index_out_of_range out_of_bounds segfault panic panics dereference optional orelse getordefault
        get_or_default unwrap undefined_method cannot_read_properties default defaults empty guard""",
    "missing": """
        not_found notfound missing unset unregistered register registered registry unknown no_bean nosuchbean
        no_route route routes router env environ environment getenv configmap module binding inject provider handler
        handlers endpoint 404 bootstrap init initialize wiring plugin factory lookup resolve classnotfound
        modulenotfounderror importerror no_such_file enoent dependency unsatisfied""",
    "network": """
        connection_refused econnrefused no_route_to_host unreachable dial connect reset connection_reset econnreset
        host hostname port ports url uri cidr cidr_blocks ingress egress security_group firewall networkpolicy
        network_policy subnet vpc nat gateway proxy load_balancer balancer target_group service_port targetport
        selector selectors no_healthy_upstream no_endpoints 502 503_service bad_gateway route_table peering mtu
        i/o_timeout region path paths prefix rewrite ingressclass sockets dial_tcp endpoints upstream""",
    "dns": """
        dns nxdomain servfail no_such_host resolve resolver resolv coredns ndots cname record records zone route53
        lookup name_resolution getaddrinfo enotfound eai_again a_record hosted""",
    "quota": """
        429 rate_limit ratelimit rate-limit rate_limited limiter throttle throttlingexception burst quota
        too_many_requests requests_per_second bucket token_bucket leaky limits limit_exceeded slowdown""",
    "capacity": """
        replicas minreplicas maxreplicas hpa autoscaler autoscaling scale scaled unavailable pending unschedulable
        insufficient instances instance_type desired nodes node_pool nodeselector affinity tolerations spot capacity
        max_surge maxunavailable maxsurge pdb requests_cpu fleet desired_count""",
    "start": """
        crashloop crashloopbackoff crash_loop readiness liveness startup probe probes healthz readyz livez
        initialdelayseconds failurethreshold command entrypoint args image imagepull errimagepull imagepullbackoff
        not_ready exec permission_denied runasuser securitycontext readonlyrootfilesystem exit restart restarts
        health_check healthcheck health crash crashes""",
    "thread": """
        thread threads thread_pool threadpool executor rejectedexecution rejectedexecutionexception worker workers
        blocking blocked async await concurrent parallel parallelism event_loop eventloop goroutines maxthreads
        max_threads queue_capacity task tasks rejected sync gunicorn puma uvicorn tomcat starvation synchronous
        concurrency""",
    "files": """
        too_many_open_files emfile enfile file_descriptors descriptor descriptors nofile ulimit fd fds close closed
        body.close sockets idle_connections keepalives response_body open_files""",
    "time": """
        cron schedule scheduled scheduler timezone tz utc dst clock time_now leap midnight interval date dates epoch
        skew""",
    "money": """
        duplicate duplicates duplicated idempotency idempotent idempotency-key dedupe dedup mismatch incorrect wrong
        price prices amount amounts cents currency discount tax total totals refund rounding round floor ceil charge
        charges balance reconcile reconciliation""",
    "page": """
        csp content-security-policy cors access-control-allow-origin origin bundle chunk hydration javascript
        webpack polyfill script script-src assets asset blank frontend_error hydrate uncaught referenceerror browser
        preflight x-frame-options header headers""",
    "size": """
        413 payload_too_large entity_too_large body_size max_body client_max_body_size max_message_size maxmessage
        content-length too_large truncated length_exceeded header_too_large resource_exhausted message_larger""",
    "result": """
        results result empty ranking rank score relevance recall search feature model prediction predictions filter
        filtered sort ordering conversion recommendation threshold weights experiment precision_at accuracy""",
}
GENERAL = frozenset({"timeout", "load", "result", "missing", "null", "format", "network"})
"""Topics whose words many failures share: what fails for any reason is late, refused or missing in the end."""
CAN: Mapping[str, str] = {
    "pool": "timeout:.8 thread:.6 load:.4 files:.4 network:.3",
    "query": "timeout:.8 pool:.8 cpu:.7 lock:.6 memory:.5 load:.5 disk:.3 result:.8 network:.2 thread:.4 size:.6",
    "lock": "timeout:.8 pool:.7 thread:.7 query:.6 queue:.4 cpu:.3 money:.3",
    "timeout": "thread:.7 pool:.6 retry:.5 network:.4 load:.4 queue:.4",
    "retry": "load:1 quota:.8 timeout:.6 queue:.5 cpu:.5 capacity:.4 pool:.5 money:.5 thread:.4",
    "load": "cpu:.7 timeout:.6 quota:.8 queue:.6 pool:.5 query:.5 capacity:.5 memory:.4 network:.3",
    "cache": "load:.9 query:.8 timeout:.6 memory:.7 cpu:.5 quota:.5 pool:.7 result:.6 money:.5 auth:.4",
    "auth": "missing:.2 load:.2 page:.3",
    "tls": "network:.8 auth:.3 cpu:.3 timeout:.3",
    "memory": "start:.8 cpu:.5 timeout:.4 capacity:.5 network:.2 thread:.3",
    "cpu": "timeout:.8 thread:.7 load:.5 queue:.5 capacity:.4 start:.3 query:.4",
    "disk": "memory:.3 start:.4 cpu:.4 query:.3 load:.3 queue:.3 files:.3",
    "queue": "timeout:.3 load:.5 memory:.4 money:.5 result:.3 thread:.4 format:.3",
    "format": "null:.8 missing:.6 queue:.5 result:.8 money:.7 page:.3 query:.4 start:.4 auth:.3 time:.4",
    "null": "missing:.4 start:.5 format:.4 result:.4 money:.3",
    "missing": "null:.7 start:.8 network:.4 auth:.4 page:.5 result:.4 format:.4",
    "network": "timeout:.8 dns:.6 tls:.4 missing:.8 auth:.3 pool:.4 start:.3 page:.3 query:.2",
    "dns": "network:.9 timeout:.7 tls:.3 missing:.4",
    "quota": "timeout:.3 load:.5 network:.3 auth:.2 queue:.4 missing:.1",
    "capacity": "cpu:.8 timeout:.8 load:.9 queue:.7 start:.5 network:.5 memory:.4 pool:.5 thread:.5",
    "start": "capacity:.8 network:.6 timeout:.3 load:.4 missing:.3",
    "thread": "timeout:.8 cpu:.6 load:.7 queue:.6 pool:.6 memory:.4 lock:.4",
    "files": "network:.7 pool:.6 memory:.5 timeout:.5 start:.3",
    "time": "auth:.7 money:.5 queue:.4 load:.5 result:.4 format:.5 cpu:.3",
    "money": "result:.3 format:.3",
    "page": "missing:.4 result:.3 network:.3 auth:.4",
    "size": "network:.4 format:.4 memory:.3 queue:.4 missing:.1",
    "result": "money:.4",
}
"""Topic of a change to what else it can bring, and how readily (0 to 1); its own topic always, with 1."""


def _parsed(text: str) -> dict[str, float]:
    return {name: float(share) for name, share in (part.split(":") for part in text.split())}


@cache
def _can() -> dict[str, dict[str, float]]:
    return {topic: {**_parsed(CAN.get(topic, "")), topic: 1.0} for topic in TOPICS}


@cache
def _words() -> dict[str, tuple[str, ...]]:
    """Each word or phrase, its parts joined by a blank, to its topics."""
    found: dict[str, list[str]] = {}
    for topic, text in TOPICS.items():
        for word in text.split():
            found.setdefault(" ".join(parts(word)), []).append(topic)
    return {word: tuple(topics) for word, topics in found.items()}


_PARTS = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+\d*|[A-Z]+\d*|\d+(?:\.\d+)?")


@cache
def parts(word: str) -> tuple[str, ...]:
    """Return the plain words of an identifier or a text, in lower case: ``maxOpenConns`` has three."""
    return tuple(part.lower() for part in _PARTS.findall(word))


def topics(texts: Iterable[tuple[str, float]]) -> dict[str, float]:
    """Return how much some weighted texts speak of each topic, 0 to 1: the weight of the weightiest that does.

    A topic told by one word alone counts for four fifths: two words are seldom there by chance.
    """
    known, said = _words(), dict[str, dict[str, float]]()
    for text, weight in texts:
        words = parts(text)
        for length in (1, 2, 3, 4):
            for place in range(len(words) - length + 1):
                phrase = " ".join(words[place:place + length])
                for topic in known.get(phrase, ()):
                    kept = said.setdefault(topic, {})
                    kept[phrase] = max(weight, kept.get(phrase, 0.0))
    return {topic: max(kept.values()) * (1.0 if len(kept) > 1 or any(" " in phrase for phrase in kept) else 0.8)
            for topic, kept in said.items()}


def fit(change: Mapping[str, float], symptom: Mapping[str, float]) -> float:
    """Return how well a change's topics explain a symptom's, 0 to 1.

    What a failure of any kind brings explains little.
    """
    can = _can()
    return max((weight * can[topic].get(other, 0.0) * told * (0.7 if other in GENERAL else 1.0)
                for topic, weight in change.items() for other, told in symptom.items()), default=0.0)


def specific(symptom: Mapping[str, float]) -> bool:
    """Whether a symptom says more than that something fails."""
    return any(told >= 0.7 for topic, told in symptom.items() if topic not in GENERAL)
