"""Kubernetes' quantities: CPUs and bytes."""

from __future__ import annotations

from typing import Any

_UNITS = {"n": 1e-9, "u": 1e-6, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12,
          "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}


def quantity(text: Any) -> float:
    """Return a Kubernetes quantity (``500m``, ``2Gi``) as a number; 0 where it cannot be read."""
    value = str(text)
    for unit in ("Ki", "Mi", "Gi", "Ti", *"numkMGT"):
        if value.endswith(unit):
            value, factor = value[:-len(unit)], _UNITS[unit]
            break
    else:
        factor = 1.0
    try:
        return float(value) * factor
    except ValueError:
        return 0.0
