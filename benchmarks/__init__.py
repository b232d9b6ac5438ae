"""Benchmarks: real processes on the practice exchange, measured from the exchange's side."""
