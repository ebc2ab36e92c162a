"""Stand-ins for the systems that the responder asks, each in its vendor's own wire format."""
