"""Which remedy works, measured: changes to a composed run tried one at a time and in pairs, ranked."""
