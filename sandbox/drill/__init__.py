"""Drills: outages on file, what became of them, and whether that was good."""
