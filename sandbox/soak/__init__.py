"""An hour of drills on one sandbox, and whether anything grows: ``make soak``."""
