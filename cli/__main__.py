"""``python -m cli`` is ``responder``, for where it is not installed."""

from cli.app import main

main()
