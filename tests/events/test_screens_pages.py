"""The pages of screens, what staff do with displays, and the flags."""

from __future__ import annotations

import re

import pytest
from django.contrib.staticfiles import finders
from django.db import connection
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries, Settings

from events.addresses import page_addresses
from events.flags import DIRECTORY, FLAGS, flag_of
from events.models import Display
from events.templatetags.flags import flag
from tests.factories import CourtFactory, DisplayFactory, MatchFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator() -> Client:
    client = Client()
    client.force_login(UserFactory(group="Operator"))
    return client


# --- Opening a screen --------------------------------------------------------------------------------


def test_key_opens_its_page_without_a_session(client: Client) -> None:
    display = DisplayFactory()
    response = client.get(display.path)
    assert response.status_code == 200
    assert response.templates[0].name == "screens/overlay.html"
    assert not response.cookies
    assert "no-store" in response["Cache-Control"]


@pytest.mark.parametrize("key", ["", "nonsense", "AAAAAAAAAAAAAAAAAAAAAA.AAAA", "\0"])
def test_wrong_key_is_404_on_a_transparent_page(client: Client, key: str) -> None:
    court = DisplayFactory().court
    for url in (reverse("overlay", args=[court.number]), reverse("wall")):
        response = client.get(url, {"key": key})
        assert response.status_code == 404
        assert response.templates[0].name == "screens/nothing.html"


def test_key_of_another_installation_is_404(client: Client, settings: Settings) -> None:
    path = DisplayFactory().path
    settings.SECRET_KEY = "another"
    assert client.get(path).status_code == 404


def test_revoked_and_renewed_keys_are_404(client: Client) -> None:
    display = DisplayFactory()
    path = display.path
    display.revoke()
    assert client.get(path).status_code == 404
    assert client.get(display.path).status_code == 404
    display.renew()
    assert client.get(path).status_code == 404
    assert client.get(display.path).status_code == 200


def test_key_is_nowhere_in_the_database() -> None:
    display = DisplayFactory()
    row = Display.objects.filter(pk=display.pk).values().get()
    assert display.key not in map(str, row.values())
    assert not {"seed", "key"} & {field.name for field in Display.history.model._meta.fields}


def test_address_typed_in_earlier_leads_to_what_the_display_shows_now(client: Client) -> None:
    display = DisplayFactory()
    earlier = display.path
    other = CourtFactory()
    Display.objects.filter(pk=display.pk).update(court=other)
    response = client.get(f"{earlier}&size=150")
    assert (response.status_code, response.headers["Location"]) == (
        302,
        f"/overlay/{other.number}/?key={display.key}&size=150",
    )
    assert client.get(response.headers["Location"]).status_code == 200


def test_key_of_an_overlay_does_not_open_the_wall(client: Client) -> None:
    display = DisplayFactory()
    response = client.get(reverse("wall"), {"key": display.key})
    assert response.headers["Location"].startswith(f"/overlay/{display.court.number}/")


def test_without_a_key_one_signs_in(client: Client) -> None:
    court = CourtFactory()
    for url in (reverse("overlay", args=[court.number]), reverse("wall")):
        assert client.get(url).headers["Location"] == f"/login/?next={url}"


@pytest.mark.parametrize(("group", "status"), [("", 403), ("Viewer", 200)])
def test_session_needs_permission(client: Client, group: str, status: int) -> None:
    court = CourtFactory()
    client.force_login(UserFactory(group=group))
    for url in (reverse("overlay", args=[court.number]), reverse("wall")):
        assert client.get(url).status_code == status


def test_overlay_of_a_court_that_is_not_there_is_404(operator: Client) -> None:
    assert operator.get(reverse("overlay", args=[77])).status_code == 404


def test_screens_only_answer_reading(client: Client) -> None:
    display = DisplayFactory()
    assert client.post(display.path).status_code == 405


def test_options_of_the_registry_are_on_the_page(client: Client) -> None:
    display = DisplayFactory(swap_sides=True, size=80, when_stale="dim", stale_after_s=7)
    expected = '{"view": "scoreboard", "swap": true, "size": 80, "stale": "dim", "after": 7}'
    assert expected in client.get(display.path).content.decode()


# --- In the admin --------------------------------------------------------------------------------------


def test_display_for_a_court_is_made_with_its_address_ready_to_copy(operator: Client) -> None:
    court = CourtFactory(name="Mat A")
    response = operator.post(reverse("make_display"), {"view": "lower-third", "court": court.pk}, follow=True)
    display = Display.objects.get()
    assert (display.name, display.court, display.view) == ("Lower third, Mat A", court, "lower-third")
    address = re.search(r'data-copy="([^"]+)"', response.content.decode())
    assert address
    assert address[1] == f"http://testserver{display.path}"


def test_long_name_of_a_court_still_makes_a_display(operator: Client) -> None:
    court = CourtFactory(name="x" * 100)
    operator.post(reverse("make_display"), {"view": "scoreboard", "court": court.pk})
    assert Display.objects.get().name.startswith("Scoreboard, xxx")


@pytest.mark.parametrize(
    "asked",
    [{}, {"view": "scoreboard"}, {"view": "other", "court": "1"}, {"view": "scoreboard", "court": "²"}],
)
def test_display_of_nonsense_is_not_made(operator: Client, asked: dict[str, str]) -> None:
    response = operator.post(reverse("make_display"), asked, follow=True)
    assert "Choose a court" in response.content.decode()
    assert not Display.objects.exists()


def test_overlay_without_a_court_is_refused_in_words(operator: Client) -> None:
    response = operator.post(
        reverse("admin:events_display_add"),
        {"name": "x", "view": "scoreboard", "size": 100, "when_stale": "hide", "stale_after_s": 120},
    )
    assert "Choose the court" in response.content.decode()


def test_viewers_see_displays_but_not_their_addresses(client: Client) -> None:
    display = DisplayFactory()
    client.force_login(UserFactory(group="Viewer"))
    page = client.get(display.get_absolute_url()).content.decode()
    assert display.name in page
    assert display.key not in page
    assert display.seed not in page


@pytest.mark.parametrize("action", ["reload", "revoke", "renew"])
@pytest.mark.parametrize("group", [None, "", "Viewer", "Operator", "Manager"])
def test_buttons_are_for_operators(client: Client, action: str, group: str | None) -> None:
    display = DisplayFactory()
    if group is not None:
        client.force_login(UserFactory(group=group))
    url = reverse(f"{action}_display", args=[display.pk])
    before = Display.objects.values().get()
    assert client.get(url).status_code in (302, 403, 405)
    assert Display.objects.values().get() == before
    client.post(url)
    assert (Display.objects.values().get() != before) is (group in ("Operator", "Manager"))


@pytest.mark.parametrize("action", ["reload_screens", "revoke_addresses"])
@pytest.mark.parametrize("group", ["Viewer", "Operator"])
def test_actions_of_the_list_are_for_operators(client: Client, action: str, group: str) -> None:
    displays = [DisplayFactory(), DisplayFactory()]
    client.force_login(UserFactory(group=group))
    before = list(Display.objects.values_list("reloads", "seed", "revoked_at"))
    asked = {"action": action, "_selected_action": [display.pk for display in displays]}
    client.post(reverse("admin:events_display_changelist"), asked)
    after = list(Display.objects.values_list("reloads", "seed", "revoked_at"))
    assert all(was != now for was, now in zip(before, after, strict=True)) is (group == "Operator")
    assert (before == after) is (group == "Viewer")


def test_choices_of_a_display_say_what_none_means(operator: Client) -> None:
    page = operator.get(DisplayFactory().get_absolute_url()).content.decode()
    assert re.findall(r'<option value=""[^>]*>([^<]+)<', page) == ["No court", "None: what is live"]


def test_empty_list_says_whether_a_filter_empties_it(operator: Client) -> None:
    address = reverse("admin:events_display_changelist")
    assert "No displays yet." in operator.get(address).content.decode()
    assert "No displays match." in operator.get(address, {"q": "nothing"}).content.decode()


def test_list_says_what_state_each_is_in(operator: Client) -> None:
    seen, gone, never, revoked = (DisplayFactory() for _ in range(4))
    Display.objects.filter(pk__in=[seen.pk, gone.pk]).mark_seen()
    Display.objects.filter(pk=gone.pk).mark_left()
    revoked.revoke()
    page = operator.get(reverse("admin:events_display_changelist")).content.decode()
    for words in ("connected", "not connected", "never opened", "revoked"):
        assert re.search(rf">\s*{words}\s*<", page), words
    assert never.name in page


def test_list_takes_the_same_queries_for_any_number(
    operator: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    DisplayFactory()
    url = reverse("admin:events_display_changelist")
    with CaptureQueriesContext(connection) as one:
        operator.get(url)
    DisplayFactory.create_batch(2)
    with django_assert_num_queries(len(one)):
        operator.get(url)


def test_page_says_how_to_let_other_machines_in(
    operator: Client, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    display = DisplayFactory()
    monkeypatch.setattr("sys.executable", "/opt/restrike/python")
    settings.ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
    answer = operator.get(display.get_absolute_url(), headers={"host": "127.0.0.1:8000"}, SERVER_PORT="8000")
    page = answer.content.decode()
    assert "/opt/restrike/python manage.py start --web 0.0.0.0:8000" in page
    assert f"http://127.0.0.1:8000{display.path}" in page.replace("&amp;", "&")


def test_addresses_are_those_by_which_others_may_come(
    rf: RequestFactory, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    monkeypatch.setattr(
        "events.addresses.machine_addresses", lambda: [("a", "10.0.0.7"), ("b", "172.16.0.1")]
    )
    settings.ALLOWED_HOSTS = ["127.0.0.1", "10.0.0.7", "hall.local"]
    near = rf.get("/", headers={"host": "127.0.0.1:8000"})
    assert page_addresses(near) == ["http://10.0.0.7:8000"]
    far = rf.get("/", headers={"host": "hall.local:8000"})
    assert page_addresses(far) == ["http://hall.local:8000", "http://10.0.0.7:8000"]


# --- Flags -----------------------------------------------------------------------------------------------


def test_every_flag_has_its_picture() -> None:
    missing = {name for name in FLAGS.values() if not finders.find(f"{DIRECTORY}/{name}.svg")}
    assert missing == set()
    assert finders.find(f"{DIRECTORY}/LICENSE")


def test_no_picture_lies_there_for_nothing(settings: Settings) -> None:
    found = {path.stem for path in (settings.BASE_DIR / "static" / DIRECTORY).glob("*.svg")}
    assert found == set(FLAGS.values())


@pytest.mark.parametrize(
    ("code", "flag"),
    [
        ("GER", "DE"),
        ("SUI", "CH"),
        ("NED", "NL"),
        ("KSA", "SA"),
        (" kor ", "KR"),
        ("AIN", ""),
        ("EOR", ""),
        ("TPE", ""),
        ("K", ""),
        ("../x", ""),
        ("", ""),
        (None, ""),
    ],
)
def test_flag_of_a_code(code: str | None, flag: str) -> None:
    assert flag_of(code) == flag


def test_pages_of_a_match_and_an_athlete_show_the_flag(client: Client) -> None:
    match = MatchFactory(blue__country="GER", red__country="AIN")
    client.force_login(UserFactory(group="Viewer"))
    page = client.get(match.get_absolute_url()).content.decode()
    assert "vendor/flags/DE.svg" in page
    assert '<span class="rs-flag-none">AIN</span>' in page
    assert "vendor/flags/DE.svg" in client.get(match.blue.get_absolute_url()).content.decode()
    assert "vendor/flags/DE.svg" in client.get(reverse("admin:events_athlete_changelist")).content.decode()


def test_flag_of_hostile_letters_is_text() -> None:
    assert flag("<b>") == '<span class="rs-flag-none">&lt;b&gt;</span>'
