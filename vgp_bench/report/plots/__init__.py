"""The figures: one file a kind."""
