"""What a person is told when a backup cannot be made, read or restored."""


class BackupError(Exception):
    """One plain sentence saying what is wrong, and where there is something to do, what."""


class BadBackupError(BackupError):
    """The file is not a sound backup. Nothing was changed."""
