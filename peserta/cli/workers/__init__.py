"""The commands below `peserta worker`, each imported when it is called."""
