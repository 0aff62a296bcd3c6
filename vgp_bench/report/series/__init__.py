"""The numbers of each figure, from the records of one group of runs: so that they can be tested without a picture."""
