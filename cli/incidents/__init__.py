"""What people do with incidents from the command line: see how they stand, answer, stop, take over, read reports.

Nothing here decides instead of the responder. An answer goes to the function that takes everybody's answers, a stop is
the same parameter that the console writes, and each command works with the rights of whoever runs it.
"""
