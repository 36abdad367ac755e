import os
import re
from collections.abc import Callable

import pytest

from tests.processes import Stack

Make = Callable[[str], Stack]


def test_bootstrap_prepares_an_empty_installation(empty_database: str, make_stack: Make) -> None:
    stack = make_stack(empty_database)

    said = stack.manage("bootstrap").stdout

    assert re.search(r"user +admin\n +password +(\w{4}-){3}\w{4}\n", said)
    assert {path.name for path in stack.var.iterdir()} >= {"journal", "logs", "backups", "secret_key"}
    assert stack.fetch("SELECT username, is_superuser FROM auth_user") == [("admin", True)]
    assert stack.manage("migrate", "--check").returncode == 0


def test_bootstrap_a_second_time_prints_no_password(empty_database: str, make_stack: Make) -> None:
    stack = make_stack(empty_database)
    stack.manage("bootstrap")
    key = (stack.var / "secret_key").read_text()

    assert stack.manage("bootstrap").stdout == ""
    assert (stack.var / "secret_key").read_text() == key
    assert stack.count("auth_user") == 1


@pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX's")
def test_bootstrap_keeps_the_secret_key_to_its_owner(fresh_database: str, make_stack: Make) -> None:
    stack = make_stack(fresh_database)
    stack.manage("bootstrap")
    key = stack.var / "secret_key"
    assert key.stat().st_mode & 0o777 == 0o600

    key.chmod(0o644)
    stack.manage("bootstrap")
    assert key.stat().st_mode & 0o777 == 0o600


def test_bootstrap_leaves_the_users_of_an_installation_alone(fresh_database: str, make_stack: Make) -> None:
    stack = make_stack(fresh_database)
    stack.env["DJANGO_SUPERUSER_PASSWORD"] = "chosen by hand"
    stack.manage("createsuperuser", "--noinput", "--username", "chief", "--email", "")

    assert stack.manage("bootstrap").stdout == ""
    assert stack.fetch("SELECT username FROM auth_user") == [("chief",)]
