"""What became of lines that were published, and what would become of them. No screen, no exit code."""
