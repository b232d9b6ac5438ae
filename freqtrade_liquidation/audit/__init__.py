"""The record: what was intended, sent, answered and proven."""
