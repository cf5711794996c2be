"""What a screen is given: services, routes, keys and colours."""
