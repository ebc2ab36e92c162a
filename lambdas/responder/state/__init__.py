"""The live state of a cluster: what is there now, as plain data, read of the objects that the Kubernetes API serves.

``state_of`` takes the API's objects as JSON, of any kinds and in any order, and returns a ``State``; the rest of this
room is one file a group of kinds. What an object does not say has its type's default, which is the API's own default
where it has one. Checks (``responder/checks``) read these types alone, so they run on whatever tells the same facts.
Formats: the Kubernetes API reference.
"""

from __future__ import annotations

from responder.state.gather import Gather, state_of
from responder.state.state import State

__all__ = ["Gather", "State", "state_of"]
