"""The practice exchange as Gate: API v4, USDT perpetual futures in contracts."""
