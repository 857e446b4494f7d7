"""What notices say, in Indonesian and English: a catalogue of sentences for each language, and one layout for both."""
