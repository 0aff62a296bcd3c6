"""Mistakes a user can mend. The command line shows them as one line, without a stack trace; and a signal to stop."""

import signal


class UserError(Exception):
    """Something outside the program must change; the message says what, in one line."""


class ConfigError(UserError):
    """A config that cannot be built: unknown key, wrong type, impossible value or combination."""


class DataError(UserError):
    """Data that is missing, damaged or not of the promised form."""


class ResultsError(UserError):
    """Results that cannot be written or read: folder not writable, disk full, not a run."""


class DiskFull(ResultsError):  # noqa: N818  what happened, no fault
    """There is no room on the disk, or no more of the quota."""


class Superseded(ResultsError):  # noqa: N818  what happened, no fault
    """Another process has the run in hand; this one must not write, or not any more."""


class Stopped(KeyboardInterrupt):
    """A signal asked the run to stop. What it needs to go on later is kept. number: of the signal."""

    def __init__(self, number: int) -> None:
        super().__init__(f"stopped by {signal.Signals(number).name}")
        self.number = number
