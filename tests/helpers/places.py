"""Where things lie that tests read."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]
"""The checkout."""
PACKAGE = ROOT / "gymtui"
PICTURES = ROOT / "tests" / "tui" / "pictures"
TRAJECTORIES = ROOT.parent / "shared" / "data" / "trajectories" / "dev"
"""Real transcripts, where they lie beside the checkout."""
