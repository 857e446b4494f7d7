"""Publishing files and following their lines to dispositions, or predicting these. No screen, no exit code."""
