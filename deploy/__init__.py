"""How it is put together and run: the command line, settings, the embedded stack, the demonstration. May import all."""
