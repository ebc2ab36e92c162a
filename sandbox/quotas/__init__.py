"""AWS's quotas, where the engine has none: one file a service; each puts its limits around the engine's own functions.

When the engine grows one of these, its file here can go. What it has already (DynamoDB's sizes) is in none.
"""

from __future__ import annotations


def keep() -> None:
    """Hold the engine to all of them; to be called once in its process, before it runs."""
    # Imported here, because the stand-ins need the rates alone, and not the engine.
    from sandbox.quotas import calls, functions, states

    states.keep()
    functions.keep()
    calls.keep()
