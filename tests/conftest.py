"""What all tests have in common: how properties are searched for counterexamples."""

from __future__ import annotations

from hypothesis import settings

# The same examples each time, however slow the machine: a gate must say the same of the same
# code. `--hypothesis-profile=seek` looks further.
settings.register_profile("gate", deadline=None, derandomize=True)
settings.register_profile("seek", deadline=None, max_examples=2000)
settings.load_profile("gate")
