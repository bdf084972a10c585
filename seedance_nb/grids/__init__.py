"""Compares prompts: jobs laid out on named axes."""
