"""Ways out of the service: topics to somewhere else, one room for each destination.

What may enter: the standard library, libraries, and `schemas`; never `streams` or a room above. Settings come in as
frozen dataclasses; nothing is read from the environment, and nothing is opened at import.
"""
