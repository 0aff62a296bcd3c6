"""What a run leaves behind. The only place where the writing and the reading wing meet; knows no torch."""
