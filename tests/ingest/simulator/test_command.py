from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from tests.ingest.simulator.conftest import Receiver


def test_command_sends_and_reports(receiver: Receiver) -> None:
    output = StringIO()
    target = str(receiver.target)
    call_command(
        "simulate", "--target", target, "--courts", "2", "--rate", "20000", "--count", "400", stdout=output
    )
    receiver.close()

    assert len(receiver.received) == 400
    assert output.getvalue().splitlines()[-1].startswith("Sent 400 datagrams in ")


def test_command_names_a_wrong_option_in_one_line() -> None:
    with pytest.raises(
        CommandError, match=r"^--target must be HOST:PORT, such as 127\.0\.0\.1:6000, not 'nowhere'$"
    ):
        call_command("simulate", "--target", "nowhere")


def test_command_help_shows_examples(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        call_command("simulate", "--help")

    assert (
        "simulate --target 127.0.0.1:6000 --courts 16 --rate 120000 --count 360000" in capsys.readouterr().out
    )
