"""Benchmarks of the real processes: `python -m bench --help`; docs/benchmarks.md says how to read them."""
