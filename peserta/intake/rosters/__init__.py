"""Rosters (SEMANTICS 11): who works at a company at the end of a day, against what the book knows of that day.

Read in this order: `roster` (what a file says), `worker_at_day` (what the book knows), `event_ids`, `worker_changes`
(one worker), `comparison` (all of them), `leavers` (who may be ended).
"""
