"""The practice exchange and the fire drill on it."""
