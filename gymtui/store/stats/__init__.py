"""Numbers: formulas over plain values, and what runs and tasks add up to."""
