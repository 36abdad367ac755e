"""The navigation of every page: what each kind of user finds there, and where it says one is."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse

from tests.factories import MatchFactory, UserFactory

pytestmark = pytest.mark.django_db

LINK = re.compile(
    r'<li><a href="([^"]+)"( class="active" aria-current="page")?><span[^>]*>\w+</span> ([^<]+)</a>'
)


def links(client: Client, url: str) -> list[tuple[str, str, bool]]:
    """(words, address, whether it says that this is the page) of each."""
    text = client.get(url).content.decode()
    _, _, nav = text.partition('id="nav-sidebar-apps"')
    return [(words, to, bool(here)) for to, here, words in LINK.findall(nav)]


def client_of(group: str) -> Client:
    client = Client()
    client.force_login(UserFactory(group=group))
    return client


@pytest.mark.parametrize(("group", "lacks"), [("Viewer", {"API tokens", "Users"}), ("Manager", set())])
def test_every_link_of_the_navigation_opens_for_whoever_sees_it(group: str, lacks: set[str]) -> None:
    client = client_of(group)
    found = links(client, reverse("admin:index"))
    everybody = {"Today", "Live", "Matches", "Events", "Tournaments", "Courts", "Context", "Health", "Alerts"}
    assert everybody <= {words for words, *_ in found}
    assert not lacks & {words for words, *_ in found}
    assert {words: client.get(url).status_code for words, url, _ in found} == {
        words: 200 for words, *_ in found
    }


def test_navigation_says_where_one_is(admin_client: Client) -> None:
    def here(url: str) -> list[str]:
        return [words for words, _, is_here in links(admin_client, url) if is_here]

    assert here(reverse("admin:index")) == ["Today"]
    assert here(reverse("admin:events_match_change", args=[MatchFactory().pk])) == ["Matches"]
    assert here(reverse("admin:events_match_changelist") + "?q=1") == ["Matches"]
    assert here(reverse("admin:password_change")) == []


def test_who_may_see_nothing_gets_no_navigation() -> None:
    assert links(client_of(""), reverse("admin:password_change")) == []
