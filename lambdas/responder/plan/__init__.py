"""The plan's judgement, as pure functions: the same evidence gives the same decision. Nothing here does I/O."""
