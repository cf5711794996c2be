"""The app: it owns the session, opens screens and tells what happened."""
