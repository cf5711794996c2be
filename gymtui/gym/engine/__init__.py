"""The local gym's runs and rollouts: carried out, and kept in its database."""
