"""A transcript to read: outline, body, search; for every screen that shows one."""
