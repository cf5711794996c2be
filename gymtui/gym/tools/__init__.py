"""What agents of the local gym can call, and the workspace that the tools act on."""
