"""The demo: what happens in it, and the process that its gym runs in."""
