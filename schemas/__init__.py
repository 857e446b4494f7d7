"""The vocabulary: everything that crosses a topic, as frozen records and as Avro.

It has words, numbers and shapes. It does not decide what a record means for the book (`streams.core` does), and it
opens no connection. Only `schemas.codec` and its neighbours here use fastavro.
"""
