"""Recorder and book-keeper: Faust agents on the batch lane, and the ways in for facts.

What may enter: `schemas`, `streams.core`, Faust and Kafka's client; never `sinks` or `deploy`. Agents translate, they
decide nothing.
"""
