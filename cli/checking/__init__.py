"""What ``responder check`` and ``responder schema`` show: mistakes, the JSON Schema, and the page of all fields."""
