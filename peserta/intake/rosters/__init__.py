"""Rosters (SEMANTICS 11): the workers of a company at the end of a day, compared with the book's state of that day.

Read in this order: `roster` (the content of a file), `worker_at_day` (the book's state), `event_ids`, `worker_changes`
(one worker), `comparison` (all workers), `leavers` (who may be ended).
"""
