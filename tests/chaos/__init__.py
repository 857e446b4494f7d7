"""Faults on the real service, each a scenario with a seed, each ended by the audit."""
