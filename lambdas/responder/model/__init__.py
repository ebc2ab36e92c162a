"""Plain data: the service's configuration, findings, and what the steps decided."""
