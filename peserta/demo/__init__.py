"""The demonstration: a story, or somebody's files, through the whole real service, and the proof of every figure.

`material` is what goes in, and `run` sends it through. `evidence` audits the book and reads what came out. `proof` adds
to the audit what only the demonstration can check. `answers` says it as `simulate` would.
"""
