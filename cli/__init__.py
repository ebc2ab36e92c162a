"""The command line of the people who take the responder into use and run it: ``responder``.

``app`` finds the commands, ``output`` prints their results; a command is one file in ``commands``, and what it decides
is in a package of its own beside it. It runs on a person's machine, so it may use packages that are too slow to load
for the functions.
"""
