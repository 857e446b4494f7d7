"""The vocabulary: everything that crosses a topic, as frozen records and as Avro.

What may enter: words, numbers and shapes. No decision about what a record means for the book (that is
`streams.core`), no connection to anything. Only `schemas.codec` and its neighbours here know fastavro.
"""
