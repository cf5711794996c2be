"""The wire: one method an endpoint, lenient models of the answers, typed errors."""
