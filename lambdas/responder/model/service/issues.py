"""Where improvements are filed as issues; nowhere unless it is configured."""

from __future__ import annotations

from responder.model.frozen import dataclass


@dataclass(frozen=True)
class GitHub:
    """A repository on GitHub."""

    repository: str
    """``owner/name``."""
    secret: str
    """The Secrets Manager secret that holds a fine-grained personal access token with write access to the repository's
    issues and nothing else, as a plain string."""
    label: str = "incident-improvement"
    """Each issue bears it, and only issues that bear it are looked through for what was filed before."""
    api: str = "https://api.github.com"
    """``https://HOST/api/v3`` for GitHub Enterprise Server."""


@dataclass(frozen=True)
class Jira:
    """A project in Jira Cloud."""

    site: str
    """``https://example.atlassian.net``."""
    project: str
    """The project's key."""
    email: str
    """The account that the token belongs to."""
    secret: str
    """The Secrets Manager secret that holds the account's API token, as a plain string."""
    issue_type: str = "Task"
    """The type of the issues that are filed."""
    label: str = "incident-improvement"
    """Each issue bears it, and it followed by a hyphen and the improvement's own mark."""
