"""Ways out: an alert reaches the people who must act, once, and they can answer (SEMANTICS 13)."""
