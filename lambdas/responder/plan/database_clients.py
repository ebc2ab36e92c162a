"""Who a client of the database is: the service itself, RDS, or somebody else.

Performance Insights names a client by its ``application_name`` (PostgreSQL), or by the database user that it logs in
as. A name that drivers, runtimes and pools set by themselves says only how somebody connects: the service does so too,
so nobody else is named by it. Sources: the documentation of each driver's ``application_name`` or ``program_name``;
AWS's pages "Common DBA tasks" (``rdsadmin``) and "RDS Proxy" (``rdsproxyadmin``).
"""

from __future__ import annotations

import re

from responder.model.evidence.waits import Waits
from responder.model.service import Service

_OF_RDS = frozenset({"rdsadmin", "rdsproxyadmin", "rdsrepladmin", "rdstopmgr", "rdswriteforwarduser"})
_DRIVERS = (
    "postgresql jdbc driver", "pgjdbc", "node-postgres", "node postgres", "psycopg", "asyncpg", "pg8000", "npgsql",
    "pgx", "libpq", "pq", "sequel", "active record", "activerecord", "rails", "bin/rails", "puma", "unicorn",
    "sidekiq", "gunicorn", "uwsgi", "celery", "django", "sqlalchemy", "prisma", "knex", "typeorm", "sequelize",
    "hikari", "hikaripool", "c3p0", "tomcat", "pgbouncer", "odyssey", "pgcat", "mysql connector", "mysql-connector",
    "mysql_connector", "libmysql", "mysqlnd", "mysql2", "pymysql", "mysqlclient", "java", "python", "node", "ruby",
    "php", "dotnet", "app")
_SEPARATED = re.compile(r"[\s_]+")


def is_driver(application: str) -> bool:
    """Whether an application's name is one that a driver, runtime or pool gives, or none at all."""
    name = application.casefold().strip()
    return not name or any(name == known or re.match(rf"{re.escape(known)}[\s\d./:_-]", name) for known in _DRIVERS)


def other_clients(service: Service, waits: Waits) -> dict[str, float]:
    """Return the load of the clients that are neither the service's own nor RDS's, by their names.

    By users nobody can be told where the configuration does not say which are the service's own (``database.users``).
    """
    users = service.database.users if service.database else ()
    if waits.grouped_by == "user":
        return {name: load for name, load in waits.clients.items()
                if users and name not in users and name not in _OF_RDS}
    return {name: load for name, load in waits.clients.items()
            if not is_driver(name) and name not in _OF_RDS and not _is_own(service, name)}


def deployments(client: str) -> tuple[str, ...]:
    """Return the names that the workload of a client may have: its own, or as Kubernetes spells it."""
    spelled = _SEPARATED.sub("-", client.casefold().strip())
    return tuple(dict.fromkeys((client, spelled)))


def _is_own(service: Service, application: str) -> bool:
    """Whether an application's name is that of a component, alone or with what a pod or a version adds to it."""
    if service.called(application):
        return True
    name = _SEPARATED.sub("-", application.casefold().strip())
    own = {known.casefold() for component in service.components for known in (component.name, component.deployment)}
    return any(name == known or name.startswith((f"{known}-", f"{known}/", f"{known}:", f"{known}@")) for known in own)
