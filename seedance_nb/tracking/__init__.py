"""Follows what was paid for; draws nothing."""
