"""The state machine, built in code: ``plan.py`` says it from top to bottom, ``asl.py`` has what its states share.

``python -m stacks.state_machine`` writes ``statemachines/incident_response.asl.json`` and ``docs/state-machine.md``.
"""
