"""The batch lane: Faust at the speed of its consumer, with effects that are durable before they are acknowledged.

One Faust event carries all records of one partition in one fetch. `TransactionalLane` has state and commits each
batch's outputs, state and cursor in one Kafka transaction. `AppendLane` has no state and appends in order, at least
once.

May import: the standard library, faust, aiokafka. The lane knows topics, partitions, offsets and bytes; it knows no
Avro, company or fact. Import each name from its own module, so that code which needs only a record or an error does not
load Faust. README.md has the safety argument.
"""
