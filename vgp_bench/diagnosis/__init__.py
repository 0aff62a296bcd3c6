"""What the records of a run mean: one verdict with its evidence, and what to change. Reads tables; knows no torch."""
