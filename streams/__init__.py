"""The recorder and the book-keeper: Faust agents on the batch lane.

May import: `schemas`, `streams.core`, Faust and Kafka's client; never `sinks` or `deploy`. Agents translate and decide
nothing.
"""
