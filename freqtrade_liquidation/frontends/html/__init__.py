"""A run as a page: ``show-liquidations --html``."""
