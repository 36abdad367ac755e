"""Which SQLite this process uses.

The SQLite that CPython links is often one with the WAL-reset bug (fixed in 3.51.3), which can lose
committed writes when one process writes while another checkpoints: the layout of this project.
`pysqlite3` carries its own, newer one; it has to be in place before Django imports `sqlite3`.
"""

import sys

WAL_RESET_FIXED = (3, 51, 3)


def use_newest() -> tuple[int, int, int]:
    """Make `import sqlite3` mean the newest SQLite at hand; returns its version."""
    import sqlite3

    try:
        import pysqlite3
    except ImportError:
        return sqlite3.sqlite_version_info
    if pysqlite3.sqlite_version_info > sqlite3.sqlite_version_info:
        sys.modules["sqlite3"] = pysqlite3
        sys.modules["sqlite3.dbapi2"] = pysqlite3.dbapi2
        return tuple(pysqlite3.sqlite_version_info)
    return sqlite3.sqlite_version_info


def pragmas() -> dict[str, int | str]:
    """The pragmas of every connection to a file, as they read back from it."""
    return {
        # Page size and auto-vacuum take effect only while the database is still empty.
        "page_size": 4096,
        "auto_vacuum": 2,  # INCREMENTAL
        "journal_mode": "wal",
        "synchronous": 1,  # NORMAL
        "cache_size": -65536,  # KiB
        # Where a file is mapped, the system reads ahead for each single page that is not in memory yet: up to
        # 34 MB for one page of the admin, of which 0.4 were needed, and twice the time.
        "mmap_size": 0,
        "foreign_keys": 1,
    }


def init_command() -> str:
    """What a new connection says first."""
    return "".join(f"PRAGMA {name}={value};" for name, value in pragmas().items())
