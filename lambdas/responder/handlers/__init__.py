"""One thin module a step of the state machine: read the event, call the plan, write the timeline."""
