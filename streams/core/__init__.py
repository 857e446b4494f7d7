"""The pure book: what facts, policies and the passing of time mean for coverage.

State in, state out; time and ids are arguments; nothing is read, sent or waited for. What may enter: the standard
library and the records of `schemas`. Read in this order: `timeline`, `worker` (one worker's facts), `company`
(one company's accounts), `rules`, `watch` (policies and alerts), `book` (one partition of the journal), `simulate`.
"""
