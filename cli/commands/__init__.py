"""One file a command, found by its name: ``take_over.py`` is ``responder take-over``.

A file has a function ``command`` with typer's annotations, whose docstring is the help text and which may return an
exit code; or ``app``, a ``typer.Typer`` with several. What is slow to load is imported inside the function, so that
``responder --help`` stays quick.
"""
