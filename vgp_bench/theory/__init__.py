"""Closed forms, for comparison with what is measured. Plain numpy."""
