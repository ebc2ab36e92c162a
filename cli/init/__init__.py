"""``responder init``: reads what is there and writes a service's configuration, with where each value comes from.

``readers`` ask one system each and give facts (``facts``), ``decide`` makes a draft of them without asking anybody, and
``document`` writes it down. Nothing is changed anywhere but the one file.
"""
