"""``responder backtest``: what the responder would have decided in past incidents, with nothing changed.

``moments`` finds past incidents, ``asking`` asks the sources as of then, ``course`` runs the plan's decisions over the
answers, ``observed`` reads what it decided in observe mode, and ``reads`` lets no request leave but a read. The result
is ``outcome``, which ``text`` and ``page`` show and ``truth`` compares with what really happened.
"""
