"""The HTTP door for other systems (SEMANTICS 12): it turns requests into calls of operations, and results into answers.

It is an interface only: it decides nothing about facts, figures or permissions. It imports `operations` and `intake`,
and no other interface.
"""
