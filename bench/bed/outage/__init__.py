"""A whole incident in one process, from the alarm's event to the postmortem, whose outside can fail in any way.

The state machine is the plan's own, run by ``tests/machine.py``; handlers, sources, people and actions are the
deployed ones. Only what is outside is made up, below the clients: AWS where botocore sends, vendors and the cluster
where httpx does. The world has one fault of its own: a release of the payment gateway that fails nearly half of its
requests, until the Deployment's template is what it was.
"""
