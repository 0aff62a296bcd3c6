"""One measurement a file: what no record of a run holds. The folder is the registry: each has measure()."""
