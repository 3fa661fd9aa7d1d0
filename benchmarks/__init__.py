"""Benchmarks: every row is a ratio of two things measured in one run. Started by ``scripts/bench``."""
