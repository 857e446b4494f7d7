"""Faults injected into the real service: each is a scenario with a seed, and the audit checks the result."""
