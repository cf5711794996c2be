"""The screens: the only part that knows the terminal framework."""
