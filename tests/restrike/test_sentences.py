"""The pages of one sentence: what a person reads when a page cannot be shown."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path, reverse

from restrike.urls import urlpatterns as every_page

pytestmark = pytest.mark.django_db


def fail(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("a fault")


urlpatterns = [path("fails/", fail), *every_page]

WAY_BACK = '<a href="/">To Today</a>'


def read(response: HttpResponse, status: int) -> str:
    assert response.status_code == status
    text = response.content.decode()
    assert "staff/sentence.css" in text
    return text


def test_address_that_it_does_not_answer_to_is_said_in_words(client: Client) -> None:
    text = read(client.get("/", headers={"host": "scoreboard.example"}), 400)
    assert "Type the address as it stood in the window" in text
    # It would lead to the same page again.
    assert "To Today" not in text


def test_form_of_a_page_that_is_no_longer_good_says_that_nothing_was_done() -> None:
    text = read(Client(enforce_csrf_checks=True).post(reverse("admin:login"), {"username": "olga"}), 403)
    assert "Nothing was done" in text
    assert WAY_BACK in text


def test_name_that_is_locked_is_told_how_long_and_what_ends_it(client: Client) -> None:
    User.objects.create_user("olga", password="kick-the-hogu-7", is_staff=True)
    wrong = {"username": "olga", "password": "wrong"}
    for _ in range(settings.AXES_FAILURE_LIMIT - 1):
        assert client.post(reverse("admin:login"), wrong).status_code == 200
    text = read(client.post(reverse("admin:login"), wrong), 429)
    assert "as “olga” for a quarter of an hour" in text
    assert "manage.py axes_reset" in text
    assert settings.AXES_COOLOFF_TIME * 60 == 15


def test_page_for_others_and_page_that_is_gone_lead_back(client: Client) -> None:
    client.force_login(User.objects.create_user("olga", is_staff=True))
    text = read(client.get(reverse("move_events")), 403)
    assert "olga may not open this page" in text
    assert WAY_BACK in text
    assert WAY_BACK in read(client.get("/nowhere/"), 404)


@pytest.mark.urls(__name__)
def test_page_that_fails_says_that_recording_goes_on() -> None:
    text = read(Client(raise_request_exception=False).get("/fails/"), 500)
    assert "Recording goes on." in text
    assert WAY_BACK in text
