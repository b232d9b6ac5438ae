"""A real bot that lives through a day of hostile input: half an hour of it by ``make soak``."""
