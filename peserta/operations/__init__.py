"""Operations on a running book. No screen, no HTTP, no exit code: values and plain exceptions.

An operation takes the settings and values, reports progress through a callback, and returns a frozen value. What it
cannot do it says by an exception of `failure`; the command line alone knows what a terminal is.
"""
