"""What leaves the stream: Kafka -> ClickHouse, its tables and views.

What may enter: the standard library, libraries, and `schemas`; never `streams` or `deploy`. Settings come in as frozen
dataclasses; nothing is read from the environment, and nothing is opened at import.
"""
