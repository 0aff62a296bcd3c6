"""One subcommand of `vgp-bench` a file: its options, and the call they turn into. Nothing is computed here.

Each has `add(commands)`, which adds its parser, and imports what it needs only when it is called: `--help` is at once.
"""
