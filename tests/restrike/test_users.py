"""The pages of users: whoever is made there can log in and do what the group says."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse

pytestmark = pytest.mark.django_db


@pytest.fixture
def chief(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("chief"))
    return client


def test_user_made_on_the_page_can_log_in_and_do_what_the_group_says(chief: Client) -> None:
    operator = Group.objects.get(name="Operator")
    password = "kick-the-hogu-7"
    fields = {"username": "olga", "password1": password, "password2": password, "groups": [operator.pk]}
    assert chief.post(reverse("admin:auth_user_add"), fields).status_code == 302
    browser = Client()
    sent = browser.post(reverse("admin:login"), {"username": "olga", "password": password})
    assert sent.status_code == 302
    assert browser.get(reverse("admin:tournaments_tournament_add")).status_code == 200
    assert browser.get(reverse("admin:auth_user_changelist")).status_code == 403


def test_user_who_may_no_longer_log_in_stays_so_when_changed(chief: Client) -> None:
    olga = User.objects.create_user("olga")
    url = reverse("admin:auth_user_change", args=[olga.pk])
    assert chief.post(url, {"username": "olga", "first_name": "Olga"}).status_code == 302
    olga.refresh_from_db()
    assert (olga.first_name, olga.is_active, olga.is_staff) == ("Olga", False, False)
