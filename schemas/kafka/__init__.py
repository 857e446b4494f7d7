"""How a client of Kafka connects: where, encrypted or not, as whom; and why a broker turns it away.

Every room that talks to Kafka may import this one, `streams.lane` too, for nothing here is about the book. Only this
folder of `schemas` may import aiokafka.
"""
