"""The local gym: the RL-gym API on loopback, really running rollouts of scripted or served agents.

It imports nothing else of gymtui and its models are strict, so that a mistake in the client's
lenient ones cannot hide in both.
"""
