"""What AWS keeps when machines of its own die: tables, objects, queues, functions, alarms; not the executions' work.

The engine keeps everything in its own process. So that this process can be killed in the middle of an incident, it
leaves a copy of itself behind, which writes what AWS would keep, and the next one reads it. An execution that was
running is gone: the engine says ``FAILED`` of it, with the error ``States.ServiceRestart``.
"""

from __future__ import annotations

import os
import pickle
import signal
from contextlib import suppress
from typing import NoReturn

from ministack import app
from ministack.core import persistence
from ministack.services import s3

from sandbox.places import ENGINE_STATE, ENGINE_STATE_WHOLE
from sandbox.soak.measuring import descendants

_OBJECTS = ENGINE_STATE / "objects.pickle"


def die() -> NoReturn:
    """Kill this process and all functions, in the middle of whatever they do; a copy writes what was there.

    The functions stand still first, so that none of them changes anything between the copy and the end.
    """
    for worker in descendants(os.getpid()):
        with suppress(ProcessLookupError):
            os.kill(worker, signal.SIGSTOP)
    away, told = os.pipe()
    if os.fork():
        os.read(away, 1)
        os.killpg(0, signal.SIGKILL)
    os.setsid()
    os.write(told, b".")
    try:
        _write()
    finally:
        os._exit(0)


def bridge() -> None:
    """Read what was kept, where the engine starts again after it was killed (``PERSIST_STATE``).

    What it would write once more when it is ended nobody reads.
    """
    restore = app._load_persisted_state

    def with_objects() -> None:
        restore()
        s3._buckets._data.update(pickle.loads(_OBJECTS.read_bytes()))  # noqa: S301 - of this sandbox's own engine
        app.PERSIST_STATE = persistence.PERSIST_STATE = False

    app._load_persisted_state = with_objects


def _write() -> None:
    """Write all that is durable. The engine's own saving leaves out the contents of S3's objects."""
    ENGINE_STATE.mkdir(parents=True, exist_ok=True)
    persistence.PERSIST_STATE = True
    persistence.save_all(app._build_persistence_save_dict())
    _OBJECTS.write_bytes(pickle.dumps(s3._buckets._data))
    ENGINE_STATE_WHOLE.touch()
