"""The incident responder: the written plan for a payment gateway outage, as functions.

``model`` holds plain data, ``plan`` judges (pure functions), ``sources`` ask, ``actions`` mend, ``people`` tell,
``records`` keep, ``clients`` speak to one API each, and ``handlers`` join them, one module a step.
"""
