"""One symptom a file, `find(case) -> Symptom | None`; RANK says which explains the others: the lower, the sooner."""
