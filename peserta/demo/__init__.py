"""The demonstration: a story, or a user's own files, sent through the real service, and the proof of every figure.

`material` is the input, and `run` sends it through the service. `evidence` audits the book and reads the results.
`proof` adds to the audit the checks that only the demonstration can make. `answers` gives the results in the form of
`simulate`.
"""
