"""Copies of a run's record for TensorBoard, MLflow and W&B: one tracker a file. They never replace the record.

A module may say in NEEDS which package it imports and what pip installs it with; `config_check` then refuses a run
for which it is missing. The package itself is imported in `open`, so that a run without trackers never waits for it.
"""
