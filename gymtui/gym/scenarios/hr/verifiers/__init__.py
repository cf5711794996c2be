"""The verifiers of the `hr` scenario."""
