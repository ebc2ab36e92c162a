"""Of a variable's value its hosts are taken, and nothing else."""

from __future__ import annotations

import pytest

from cli.init.addresses import found


@pytest.mark.parametrize(("name", "value", "expected"), [
    ("DB_HOST", "payments-db", [("payments-db", 0)]),
    ("DATABASE_URL", "postgres://pay:s3cr3t@db.abc123.us-east-1.rds.amazonaws.com:5432/pay?sslmode=require",
     [("db.abc123.us-east-1.rds.amazonaws.com", 5432)]),
    ("SPRING_DATASOURCE_URL", "jdbc:postgresql://db.internal:5433/pay", [("db.internal", 5433)]),
    ("DSN", "pay:s3cr3t@tcp(mysql.internal:3306)/pay", [("mysql.internal", 3306)]),
    ("CONN", "host=pg.internal user=pay password=s3cr3t", [("pg.internal", 0)]),
    ("KAFKA_BROKERS", "b-1.kafka.example:9092,b-2.kafka.example:9092",
     [("b-1.kafka.example", 9092), ("b-2.kafka.example", 9092)]),
    ("BACKEND_URL", "http://backend.payments.svc.cluster.local:80/v1", [("backend.payments.svc.cluster.local", 80)]),
    ("application.yaml", "cache:\n  endpoint: tokens.abc.ng.0001.use1.cache.amazonaws.com:6379\nurl: https://api.psp.example/v1\n",
     [("api.psp.example", 0), ("tokens.abc.ng.0001.use1.cache.amazonaws.com", 6379)]),
    ("LOG_LEVEL", "info", []), ("DB_HOST", "127.0.0.1", []), ("ENDPOINT", "true", []), ("SERVER_PORT", "8080", []),
    ("VERSION_URL", "", []), ("API_URL", "localhost:8080", [])])
def test_hosts_of_values(name: str, value: str, expected: list[tuple[str, int]]) -> None:
    assert [(one.host, one.port) for one in found(name, value, "somewhere")] == expected


def test_no_password_is_kept() -> None:
    addresses = list(found("DATABASE_URL", "postgres://pay:s3cr3t@db.example:5432/pay", "DATABASE_URL"))
    assert "s3cr3t" not in repr(addresses)
    assert "pay" not in addresses[0].path


def test_a_queue_is_named_by_its_path() -> None:
    address = next(found("QUEUE_URL", "https://sqs.eu-west-1.amazonaws.com/123456789012/receipts", "QUEUE_URL"))
    assert (address.host, address.path) == ("sqs.eu-west-1.amazonaws.com", "123456789012/receipts")
