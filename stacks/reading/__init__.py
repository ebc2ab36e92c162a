"""A YAML file of the configuration as typed values, with every mistake in it; ``stacks/configuration.py`` uses it.

``text`` turns bytes into text, ``syntax`` text into nodes, ``values`` nodes into plain data, ``typed`` plain data into
a dataclass. Each goes on past what it finds wrong, as far as that can be done without guessing. ``secrets`` finds what
must not stand in a file, and hides it in every message.
"""
