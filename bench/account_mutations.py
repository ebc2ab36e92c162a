"""Mutations of records that are not about spans."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

ACCOUNTS: dict[str, Callable[[dict[str, Any], Random], None]] = {}
