"""The HTTP door for other systems (SEMANTICS 12): requests become calls of operations, and results become answers.

A face: it decides nothing about facts, figures or permissions. It imports `operations` and `intake`, and no other face.
"""
