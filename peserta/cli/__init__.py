"""The command line, with a module per family of commands. A command calls an operation and shows its result.

Only this package knows terminals and exit codes. A use case here is a defect: it belongs in `operations` or `intake`.
"""
