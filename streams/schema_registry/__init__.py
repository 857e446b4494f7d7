"""A schema registry with Confluent's interface, to which the schemas can be copied on demand.

The ids of `schemas.registry` stay what the service writes. The registry's ids are read beside them.
"""
