"""Kafka's rules as far as the service relies on them: one suite, for the log in memory and for a real broker, so that
what the simulation stands on cannot lie.
"""
