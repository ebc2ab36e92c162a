"""The state machine, built in code: ``plan.py`` has its states from top to bottom, ``asl.py`` the states' common parts.

``python -m stacks.state_machine`` writes ``statemachines/incident_response.asl.json`` and ``docs/state-machine.md``.
"""
