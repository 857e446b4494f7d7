"""Rebuilding a book from its journal: its state alone, or a new generation of state and outputs beside the current one.

`state` rewrites lost or wrong state. `candidate` begins or resumes a generation, `workers` runs its processes, and
`difference` shows what would change. `announcement` records which generation is being folded and which is current.
`removal` deletes the others. `run` combines these steps. `groups` shows whether workers run on a generation, `clock`
with which clock the book was opened.
"""
