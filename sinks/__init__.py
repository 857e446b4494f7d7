"""Outputs of the service: topics copied elsewhere, one package per destination.

May import: the standard library, libraries, and `schemas`; never `streams` or a package above. Settings are passed in
as frozen dataclasses. Nothing is read from the environment, and nothing is opened at import.
"""
