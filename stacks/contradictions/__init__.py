"""Fields of a service that are right each for itself and do not go together, one module a concern.

A module has ``ERRORS`` for what can never work and ``WARNINGS`` for what works and is probably not meant; each is a
function that yields a field's path, what was found, and what was expected. Small functions: one stops at a value that
could not be read, and what it would have said behind it is not said.
"""

from __future__ import annotations

from stacks.contradictions import addresses, answering, calls, channels, measures, remedies, times, voices

_MODULES = (calls, voices, times, measures, remedies, answering, channels, addresses)
ERRORS = tuple(check for module in _MODULES for check in module.ERRORS)
WARNINGS = tuple(check for module in _MODULES for check in module.WARNINGS)
