"""The batch lane: Faust at the speed of its consumer, with effects that are durable before they are acknowledged.

One Faust event is all records of one partition in one fetch. `TransactionalLane` keeps state and commits each batch's
outputs, state and cursor in one Kafka transaction; `AppendLane` has no state and appends in order, at least once.

What may enter: the standard library, faust, aiokafka. It knows topics, partitions, offsets and bytes; no Avro, no
company, no fact. Each name is imported from its module, so that who needs a record or an error does not load Faust.
README.md has the safety argument.
"""
