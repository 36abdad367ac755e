"""The documentation names everything there is to set and to run, and nothing else."""

import re
from pathlib import Path

import pytest
from django.core.management import get_commands, load_command_class

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
PAGES = [*ROOT.glob("*.md"), *DOCS.rglob("*.md")]
APPS = {"restrike", "ingest", "events", "tournaments"}

COMMANDS = {name: app for name, app in get_commands().items() if app in APPS}


def environment_variables() -> set[str]:
    """What settings read."""
    source = "".join((ROOT / "restrike" / name).read_text() for name in ("settings.py", "environment.py"))
    return set(re.findall(r"""(?:env|self)\.\w+\(\s*"([A-Z][A-Z_]+)\"""", source))


def test_documentation_has_each_environment_variable() -> None:
    documented = set(re.findall(r"^\| `([A-Z_]+)` \|", (DOCS / "configuration.md").read_text(), re.MULTILINE))

    assert "INGEST_BATCH_SIZE" in documented
    # DATABASE_URL is read under its own name by Env.database.
    assert documented == environment_variables()


def test_documentation_has_each_check() -> None:
    source = (ROOT / "restrike" / "checks.py").read_text()
    documented = re.findall(
        r"^\| (restrike\.[EW]\d+) \|", (DOCS / "configuration.md").read_text(), re.MULTILINE
    )

    assert sorted(documented) == sorted(set(re.findall(r"restrike\.[EW]\d{3}", source)))


def test_documentation_has_each_command() -> None:
    documented = re.findall(r"^### (\w+)$", (DOCS / "commands.md").read_text(), re.MULTILINE)

    assert sorted(documented) == sorted(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_command_help_has_an_example(name: str) -> None:
    text = load_command_class(COMMANDS[name], name).create_parser("manage.py", name).format_help()

    assert re.search(r"example", text, re.IGNORECASE)


@pytest.mark.parametrize("document", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_documentation_links_lead_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", document.read_text()):
        if target.startswith(("http://", "https://")):
            continue
        path, _, anchor = target.partition("#")
        linked = (document.parent / path).resolve() if path else document
        assert linked.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.+)$", linked.read_text(), re.MULTILINE)
            anchors = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
            assert anchor in anchors, target


def test_documentation_make_targets_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {name for page in PAGES for name in re.findall(r"`?make ([a-z-]+)`", page.read_text())}

    assert named <= targets


def test_documentation_lists_each_decision() -> None:
    pages = {path.name for path in (DOCS / "adr").glob("[0-9]*.md")}

    assert set(re.findall(r"\((\d{4}-[\w-]+\.md)\)", (DOCS / "adr" / "README.md").read_text())) == pages
