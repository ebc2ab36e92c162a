"""The wordings of failed calls as data: what drivers, HTTP clients, proxies and services say, and which kind it is.

A phrase is in small letters; ``…`` stands for any text between its parts. Rows are tried from top to bottom, and the
first whose phrase is in the text counts, so what is told more exactly stands above what is told in general. Phrases and
not regular expressions: hundreds of them are compared in microseconds and cost nothing to load.

Sources: PostgreSQL's "Appendix A. PostgreSQL Error Codes" and libpq's messages, MySQL's "Server Error Message
Reference" and "Client Error Message Reference", and the messages of the pools, clients and proxies, as their
sources and public issues show them. ``tests/corpus/error_wordings.tsv`` has examples of all of them.
"""

from __future__ import annotations

from responder.plan.error_kind import ErrorKind

DATABASE = True
"""Only a database, its driver or its pool says so."""
ANYBODY = False

_Row = tuple[ErrorKind, bool, tuple[str, ...]]

WORDINGS: tuple[_Row, ...] = (
    # It waited for its turn: nothing was called yet.
    (ErrorKind.QUEUE, ANYBODY, (
        "timed out in queue", "queue full", "queue is full", "listen queue of socket…full", "too busy",
        "timeout waiting for connection from pool", "pending acquire queue", "pool#acquire", "bulkhead…is full",
        "rejectedexecution", "rejected from…threadpool", "thread pool", "reset reason: overflow", "pm.max_children",
        "worker_connections are not enough", "resource temporarily unavailable", "pooltimeout: timed out",
        "connection from the pool: timed out")),
    # Names are resolved first, so a time-out of the resolver is no time-out of the host.
    (ErrorKind.DNS, ANYBODY, (
        "could not translate host", "could not resolve", "could not be resolved", "name or service not known",
        "no such host", "temporary failure in name", "unknownhost", "unknown host", "unknown mysql server host",
        "nxdomain", "servfail", "server misbehaving", "eai_again", "enotfound", "getaddrinfo", "gaierror",
        "no address associated with hostname", "nodename nor servname", "failed to resolve", "name resolution",
        "unable to resolve host", "dns resolution", "dns_resolution", "dns error", "failed to lookup address",
        "name resolver error", "host not found", "dial tcp: lookup…i/o timeout")),
    (ErrorKind.TLS, ANYBODY, (
        "pkix path", "valid certification path", "certificateexpired", "certificate has expired", "cert_has_expired",
        "certificate_verify_failed", "certificate verify failed", "ssl certificate problem", "x509:",
        "self-signed certificate", "self signed certificate", "self_signed_cert", "unable_to_verify",
        "unable to verify the first certificate", "altname_invalid", "certificate's altnames",
        "subject alternative names", "hostname mismatch", "handshake_failure", "handshake failure",
        "sslhandshake", "terminated the handshake", "ssl_do_handshake", "alert protocol version", "protocol_version",
        "wrong version number", " eproto", "tls: ", "tls_error", "http response to https client",
        "ssl connection could not be established", "remote certificate", "peer certificate", "ssl_error_",
        "openssl ssl_connect", "does not support ssl, but ssl was required", "ssl connection error",
        "sslerror", "ssl error:", "requires tls connections", "alert certificate", "certificate_expired",
        "certificate_required", "certificate_unknown", "bad_certificate", "unknown_ca", "alert unknown ca",
        "expired certificate", "certificate required", "certificate is not yet valid", "cert_not_yet_valid",
        "certificate not valid", "notaftererror", "validity check failed", "certpathvalidator", "nottimevalid",
        "unable to get issuer cert", "unable_to_get_issuer_cert", "unable to get local issuer", "untrustedroot",
        "partialchain", "invalid peer certificate", "ssl handshake", "certificateunknown",
        "unknownissuer", "no required ssl certificate was sent", "the ssl certificate error")),
    (ErrorKind.CONNECTIONS, DATABASE, (
        "too many clients", "too many connections", "connection slots are reserved", "max_connections",
        "max_user_connections", "toomanyconnections", "- connection is not available", "queuepool limit",
        "timeout acquiring a connection", "fetching a new connection from the connection pool", "pool empty",
        "pool has been exhausted", "pool is exhausted", "pool exhausted", "obtaining a connection from the pool",
        "all pooled connections", "connectionacquiretimeout", "timeout exceeded when trying to connect",
        "timeout waiting for idle object", "checkout a connection", "couldn't get a connection after",
        "query_wait_timeout", "no more connections allowed", "waiting to acquire database connection",
        "could not obtain a connection from the pool", "pool timed out while waiting", "acquisition timeout",
        "acquisition timed out", "no managed connections", "unable to get managed connection",
        "request was dropped from queue", "queue limit reached", "waitqueuetimeout",
        "checking out a connection from connection pool", "database connection limit reached")),
    (ErrorKind.CONNECTIONS, ANYBODY, (
        "max number of clients reached", "exhaustedpool", "could not get a resource from the pool")),
    (ErrorKind.READ_ONLY, DATABASE, (
        "read-only transaction", "read only transaction", "--read-only option", "--super-read-only",
        "running in read-only mode", "is read-only", "is read only", "for read-only access", "not primary",
        "notwritableprimary", "er_option_prevents_statement", "er_read_only_mode")),
    (ErrorKind.READ_ONLY, ANYBODY, ("read only replica",)),
    (ErrorKind.SPACE, DATABASE, (
        "could not extend file", "temp_file_limit", "' is full", "unable to extend table", "storage-full",
        "storage full", "pg_wal…no space left")),
    (ErrorKind.SPACE, ANYBODY, ("no space left", "disk full", "disk is full", "disk quota exceeded", "enospc")),
    (ErrorKind.LOCK, DATABASE, (
        "canceling statement", "statement timeout", "lock timeout", "lock wait timeout", "deadlock",
        "could not obtain lock", "lock not available", "could not serialize access",
        "maximum statement execution time", "lock(s) could not be acquired", "ora-00054", "ora-00060",
        "pessimisticlock", "querycanceled", "er_lock_wait_timeout")),
    (ErrorKind.CREDENTIALS, DATABASE, (
        "password authentication failed", "access denied for user", "pg_hba.conf", "fatal: role \"",
        "fatal:  role \"", "is not permitted to log in", "pam authentication failed", "your password has expired",
        "scram-server", "sasl authentication failed", "login failed for user", "ora-01017", "account is locked",
        "er_access_denied", "proxy has no credentials", "password that was provided for the role")),
    # Somebody answers that the server takes no connection just now: it starts, stops or shuts a host out.
    (ErrorKind.REFUSED, DATABASE, (
        "database system is starting", "database system is shutting", "database system is in recovery",
        "database system is not yet accepting", "blocked because of many connection errors")),
    # Reset and not answered in time are told apart by what the transport says, whoever says it.
    (ErrorKind.CONNECT_TIMEOUT, ANYBODY, (
        "connect timed out", "connect timeout", "connecttimeout", "connection timeout", "connection to…timed out",
        "connection timed out…while connecting", "while connecting to upstream: timed out", "tls handshake timeout",
        "has not received any packets from the server", "can't connect to mysql server on…(110)",
        "can't connect to mysql server on…timed out", "dial tcp…i/o timeout", "opentimeout", "execution expired",
        "did not properly respond after a period of time", "und_err_connect_timeout", "port…after…ms: connection timed",
        "connection attempt timed out", "trying to connect: operation timed out", "failed: timeout expired",
        "failed to connect to…(port…after")),
    (ErrorKind.READ_TIMEOUT, ANYBODY, (
        "while reading response header from upstream…timed out", "timed out…while reading", "read timed out",
        "read timeout", "readtimeout", "read operation timed out", "response timed out", "response timeout",
        "socket timeout", "sockettimeoutexception: timeout", "deadline exceeded", "deadlineexceeded",
        "awaiting headers", "awaiting response headers", "timeout awaiting", "headers timeout", "body timeout",
        "reading from socket", "reading data from socket", "timeout during reading", "read tcp…i/o timeout",
        "esockettimedout", "timeout of…ms exceeded", "network timeout at", "httpclient.timeout",
        "execution timeout expired", "prior to completion of the operation", "upstream request timeout",
        "stream timeout", "operation timed out after", "httptimeoutexception", "did not observe any item",
        "recorded a timeout exception", "commandtimeout", "command timed out", "passed since batch creation")),
    (ErrorKind.REFUSED, ANYBODY, (
        "connection refused", "econnrefused", "no route to host", "noroutetohost", "ehostunreach",
        "network is unreachable", "enetunreach", "connection to…refused. check", "can't connect to mysql server",
        "connect call failed", "couldn't connect to server", "actively refused", "delayed connect error: 111",
        "reset reason: remote connection failure", "reset reason: connection failure", "no healthy upstream",
        "no live upstreams", "has no server available", "no connection established",
        "could not connect to the endpoint url", "could not be established. broker", "can't reach database server")),
    (ErrorKind.RESET, ANYBODY, (
        "connection reset", "econnreset", "closed the connection", "terminating connection", "broken pipe", "epipe",
        "eof detected", "connection has been closed", "error occurred while sending to the backend",
        "connection terminated unexpectedly", "connection was closed", "server has gone away",
        "lost connection to mysql", "server shutdown in progress", "communications link failure", "unexpected eof",
        "bad connection", "invalid connection", "socket hang up", "other side closed", "\": eof",
        "closed connection without response", "server disconnected", "failed to respond",
        "connection prematurely closed", "prematurely closed connection", "unexpected end of stream",
        "stream was reset", "response ended prematurely", "forcibly closed", "reset reason: connection termination",
        "reset reason: remote reset", "reset reason: local reset", "transport is closing", "rst_stream",
        "closing transport", "empty reply from server", "connection aborted", "closed before message completed",
        "disconnectexception", "protocol_connection_lost")),
    (ErrorKind.CONNECT_TIMEOUT, ANYBODY, ("connection timed out", "timed out connecting", "i/o timeout", "etimedout")),
    (ErrorKind.RATE_LIMIT, ANYBODY, (
        "too many requests", "toomanyrequests", "rate limit", "rate_limit", "ratelimiter", "throttlingexception",
        "rate exceeded", "provisionedthroughputexceeded", "reduce your request rate", "too_many_requests",
        "request limit exceeded", "requestlimitexceeded", "resourceexhausted",
        "resource_exhausted", "limiting requests, excess", "quota exceeded")),
    (ErrorKind.CREDENTIALS, ANYBODY, (
        "authentication failed", "invalid credentials", "invalid api key", "expired api key", "unauthenticated",
        "api key expired", "api key has expired", "invalid_api_key", "api_key_expired", "access token expired",
        "expired_token", "token is expired", "tokenexpired", "invalid_token", "token expired",
        "permission_denied", "permissiondenied", "expiredtoken", "security token included in the request",
        "is not authorized to perform", "invalid_client", "invalid_grant", "jwt expired",
        "token has expired", "wrongpass", "noauth authentication")),
    (ErrorKind.DECLINED, ANYBODY, (
        "declined", "insufficient funds", "insufficient_funds", "do not honor", "do_not_honor", "payment required")),
    (ErrorKind.HTTP_5XX, ANYBODY, (
        "bad gateway", "service unavailable", "internal server error", "gateway time-out", "gateway timeout")),
)
