"""One claim a file: NAME.yaml says what is claimed and expected, NAME.py how that is read off the runs."""
