"""Rebuilding a book from its journal: its state alone, or a new generation of state and outputs beside the current one.

`state` writes lost or wrong state anew, `candidate` begins or takes up a generation, `workers` runs its processes,
`difference` says what would change, `announcement` says which generation is begun and which stands, `removal` deletes
what no longer stands, `run` puts it together. `groups` knows who keeps a generation now, `clock` with which clock the
book was opened.
"""
