"""The agents of the local gym: scripted ones, and models on a server."""
