"""The demonstration: a story, or somebody's files, through the whole real service, and the proof of every figure.

`material` is what goes in, `run` sends it through, `evidence` reads what came out, `proof` holds it against the offline
book, `answers` says it as `simulate` would.
"""
