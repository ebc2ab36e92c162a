"""What the responder costs: an idle month from the template, an incident from its execution (``docs/costs.md``).

``month`` and ``incident`` are pure; ``templates`` synthesizes, ``account`` reads an execution, ``shown`` prints.
"""
