"""IAM as AWS evaluates it: what an action's resources and condition keys are, what a call asks for, who may do it.

``reference`` is the Service Authorization Reference, ``calls`` says which resources a call of boto3 is about,
``template`` reads the policies of a synthesized template, ``evaluate`` decides. All are pure, so tests decide on calls
without an engine; ``bridge`` puts the same decision between the functions and the engine.
"""
