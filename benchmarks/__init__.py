"""What the engine takes in time and memory, beside its peers. Run `python -m benchmarks --help`; see README.md."""
