"""Where the runs of a sweep are run: in this process, in processes of this machine, on a cluster."""
