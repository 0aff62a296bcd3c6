"""Mistakes a user can mend. The command line shows them as one line, without a stack trace."""


class UserError(Exception):
    """Something outside the program must change; the message says what, in one line."""


class ConfigError(UserError):
    """A config that cannot be built: unknown key, wrong type, impossible value or combination."""


class DataError(UserError):
    """Data that is missing, damaged or not of the promised form."""


class ResultsError(UserError):
    """Results that cannot be written or read: folder not writable, disk full, not a run."""
