"""What the benchmarks share: fresh processes as a function has them, and a stand-in for what they ask."""
