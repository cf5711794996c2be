"""One gym that is watched: what is known of it and done to it, without a terminal."""
