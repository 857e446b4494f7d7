"""The command line, a module for each family of commands: arguments in, an operation called, its result on the screen.

It alone knows terminals and exit codes. A use case that lives here is a defect: it belongs to `operations` or `intake`.
"""
