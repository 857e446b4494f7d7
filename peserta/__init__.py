"""What people and programs touch: operations on a standing book, ways in, and the faces in front of them.

| room | holds | may import |
|---|---|---|
| `operations` | what can be done with a standing book: values in, values out, exceptions | the service |
| `intake` | ways in: facts, policies and registry from files | `operations` and below |
| `demo` | the story and its proof | `operations`, `intake` and below |
| `cli` | the command line: arguments to calls, results to a screen, failures to exit codes | all of these |

`settings` is read once per process, and is known to all of them.
"""
