"""One thin module per step of the state machine: it reads the event, calls the plan, and writes the timeline."""
