"""What kind of thing a changed file is, and whose it is, told by its path."""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import Enum
from functools import cache


class FileKind(Enum):
    """What a file can do to a service that runs."""

    INERT = "inert"
    """Nothing: a test, a document, the pipeline's own settings, looks, another environment."""
    TEXT = "text"
    """Words that people read."""
    DEPENDENCY = "dependency"
    SCHEMA = "schema"
    CONFIGURATION = "configuration"
    CODE = "code"


_INERT = re.compile(
    r"(^|/)(tests?|testing|__tests__|testdata|fixtures?|spec|specs|e2e|docs?|documentation|examples?|runbooks?|adr"
    r"|\.github|\.circleci|\.gitlab|\.buildkite|\.vscode|\.idea|storybook|grafana|mocks?|benchmarks?)/"
    r"|(_test|_spec|_fuzz_test|\.test|\.spec|\.stories|_bench)\.\w+$|(^|/)(test_|conftest)[^/]*$"
    r"|\.(md|rst|adoc|css|scss|sass|less|svg|png|jpe?g|gif|ico|woff2?|ttf|pdf|drawio|snap)$"
    r"|(^|/)(codeowners|license|notice|authors|readme|changelog|contributing|jenkinsfile|makefile|justfile|taskfile"
    r"|\.gitlab-ci|\.gitignore|\.gitattributes|\.editorconfig|\.dockerignore|\.golangci|\.eslint\w*|\.prettier\w*"
    r"|\.pre-commit-config|\.pylintrc|\.flake8|renovate|dependabot|sonar-project|mypy|ruff|tox)"
    r"(\.(md|txt|rst|ini|toml|ya?ml|json|cfg|js|cjs))?$"
    r"|(^|/)dashboards?/.*\.(json|ya?ml)$"
    r"|(^|[/._-])(staging|stage|stg|dev|development|qa|uat|preview|sandbox|local|test)([/._-].*)?"
    r"\.(ya?ml|json|toml|tf|tfvars|hcl|env|properties|ini|conf)$", re.IGNORECASE)
_TEXT = re.compile(r"(^|/)(locales?|i18n|l10n|translations?|lang)/.*\.(json|ya?ml|properties|toml|txt|ftl)$"
                   r"|\.(po|pot|mo|xliff|arb)$|(^|/)messages[_.-]?\w*\.(properties|json|ya?ml)$", re.IGNORECASE)
_DEPENDENCY = re.compile(
    r"(^|/)(go\.(mod|sum)|package(-lock)?\.json|yarn\.lock|pnpm-lock\.yaml|requirements[\w.-]*\.(txt|in)|poetry\.lock"
    r"|pipfile(\.lock)?|pom\.xml|build\.gradle(\.kts)?|gradle\.lockfile|cargo\.(toml|lock)|gemfile(\.lock)?|uv\.lock"
    r"|composer\.(json|lock)|mix\.(exs|lock)|libs\.versions\.toml|packages\.lock\.json)$", re.IGNORECASE)
_SCHEMA = re.compile(r"\.(sql|ddl|prisma)$|(^|/)(migrations?|migrate|alembic|flyway|liquibase)/", re.IGNORECASE)
_CONFIGURATION = re.compile(
    r"\.(ya?ml|toml|ini|conf|cfg|cnf|properties|env|tf|tfvars|hcl|json|xml|cue|jsonnet|pkl|vcl|zone|service)$"
    r"|(^|/)(nginx|envoy|haproxy|dockerfile|procfile|\.env)[^/]*$", re.IGNORECASE)
_SHARED = frozenset({
    "pkg", "lib", "libs", "internal", "common", "shared", "platform", "core", "proto", "protos", "api", "apis", "idl",
    "schema", "schemas", "infra", "infrastructure", "terraform", "deploy", "deployment", "deployments", "deploys",
    "charts", "helm", "k8s", "kubernetes", "manifests", "config", "configs", "conf", "network", "dns", "zones",
    "gitops", "environments", "env", "prod", "production", "iac", "cloudformation", "cdk", "ansible", "modules",
    "vendor", "third_party", "utils", "util", "helpers", "sdk", "clients", "client", "middleware", "gateway-config",
    "db", "database", "migrations", "cmd", "build", "docker", "ops"})
_OWN = frozenset({
    "services", "service", "apps", "app", "components", "packages", "cmd", "projects", "modules", "workloads",
    "charts", "src"})
_SUFFIX = re.compile(r"[-_]?(service|svc|server|api|app|worker|backend|job)$", re.IGNORECASE)


@cache
def kind_of_file(path: str) -> FileKind:
    """Return what kind of thing a file is; code where nothing else is told."""
    if _INERT.search(path):
        return FileKind.INERT
    for kind, pattern in ((FileKind.DEPENDENCY, _DEPENDENCY), (FileKind.TEXT, _TEXT), (FileKind.SCHEMA, _SCHEMA),
                          (FileKind.CONFIGURATION, _CONFIGURATION)):
        if pattern.search(path):
            return kind
    return FileKind.CODE


@cache
def stem(component: str) -> str:
    """Return a component's name without what only says that it is one: ``orders-svc`` is ``orders``."""
    name = component.lower()
    while (shorter := _SUFFIX.sub("", name)) and shorter != name:
        name = shorter
    return re.sub(r"[-_.]", "", name)


def belongs_to(path: str, components: Iterable[str]) -> bool:
    """Whether a part of a file's path is the name of one of the components."""
    stems = {stem(component) for component in components}
    parts = path.split("/")
    return any(stem(part.partition(".")[0]) in stems for part in parts)


def is_shared(path: str) -> bool:
    """Whether a file is nobody's own: a library, a contract, the infrastructure."""
    folders = [part.lower() for part in path.split("/")[:-1]]
    if not folders:
        return True
    if folders[0] in _OWN and len(folders) > 1 and folders[0] not in ("src", "charts"):
        return False
    return folders[0] in _SHARED or folders[0] == "src"
