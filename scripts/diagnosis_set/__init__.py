"""The labelled set of trainings that the diagnosis is scored on: faults put in on purpose, and healthy look-alikes."""
