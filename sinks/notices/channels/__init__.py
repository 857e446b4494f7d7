"""The ways out: one module for each channel, all with the interface of `channel`; `table` lists them.

A channel makes one attempt and returns an `Answer`. It decides nothing: not what is sent, nor when, nor how often.
"""
