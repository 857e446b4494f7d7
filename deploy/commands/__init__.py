"""The commands of `peserta`, a module for each family. They translate: arguments, a call, its result on the screen."""
