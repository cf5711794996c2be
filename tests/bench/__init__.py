"""What the program costs, each figure beside its yardstick: `python -m tests.bench [name …]`."""
