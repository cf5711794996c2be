"""The commands, a module each; what they share is in `options`, `output` and `gym_access`."""
