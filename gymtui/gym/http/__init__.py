"""The local gym's API: endpoints, wire models, server, and faults for tests."""
