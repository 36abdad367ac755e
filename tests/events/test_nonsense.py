"""Lists, files and pages whose address says nonsense are answered in words, on either database."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib import admin
from django.test import Client, RequestFactory
from django.urls import reverse

from tests.events.test_export import content_of
from tests.factories import CourtFactory, MatchFactory, PssEventFactory, UserFactory, make_day
from tournaments.adminbase import StaffAdmin
from tournaments.export.admin import ExportAdmin

VALUES = ["x", "-1", str(10**30), "a\x00b"]
LISTS = {
    f"{model._meta.app_label}_{model._meta.model_name}": (model, of)
    for model, of in admin.site._registry.items()
    if isinstance(of, StaffAdmin)
}


@pytest.fixture
def manager() -> Client:
    client = Client()
    client.force_login(UserFactory(is_superuser=True))
    return client


def filters_of(of: Any, user: Any) -> set[str]:
    """The parameters of a list's own filters, and what every list understands."""
    request = RequestFactory().get("/")
    request.user = user
    specs = of.get_changelist_instance(request).filter_specs
    return {"q", "p", "o", *(name for spec in specs for name in spec.expected_parameters() if name)}


def relations_of(model: Any) -> set[str]:
    """What the site's own links filter by, and dates."""
    fields = model._meta.concrete_fields
    years = {f"{field.name}__year" for field in fields if "Date" in field.get_internal_type()}
    return {field.name for field in fields if field.is_relation} | years


@pytest.mark.django_db
@pytest.mark.parametrize("name", LISTS)
def test_filters_of_a_list_take_any_nonsense(manager: Client, name: str) -> None:
    model, of = LISTS[name]
    PssEventFactory(day=make_day(), match=MatchFactory())
    user = UserFactory(is_superuser=True)
    address = reverse(f"admin:{name}_changelist")
    for asked in sorted(filters_of(of, user) | relations_of(model)):
        for value in VALUES:
            response = manager.get(address, {asked: value}, follow=True)
            assert response.status_code == 200, (asked, value)
            if response.redirect_chain:
                assert "These filters make no sense" in response.content.decode(), (asked, value)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("var")
@pytest.mark.parametrize("name", [name for name, (_, of) in LISTS.items() if isinstance(of, ExportAdmin)])
def test_file_of_a_list_takes_any_nonsense(manager: Client, name: str) -> None:
    model, of = LISTS[name]
    for asked in sorted(filters_of(of, UserFactory(is_superuser=True)) | relations_of(model)):
        for value in VALUES:
            response = manager.get(reverse(f"admin:{name}_export_csv"), {asked: value}, follow=True)
            assert response.status_code == 200, (asked, value)
            if not response.streaming:
                assert "These filters make no sense" in response.content.decode(), (asked, value)
            else:
                assert content_of(response).startswith(b"\xef\xbb\xbf"), (asked, value)


@pytest.mark.django_db
@pytest.mark.parametrize("value", [*VALUES, "", "9" * 5000, "<b>"])
def test_comparison_of_two_who_are_not_there_says_so(manager: Client, value: str) -> None:
    address = reverse("compare_athletes")
    assert ("There is no such athlete" in manager.get(address, {"a": value}).content.decode()) == bool(value)
    assert ("Nobody of that name" in manager.get(address, {"b_name": value}).content.decode()) == bool(value)
    assert manager.get(address, {"tournament": value}).status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["court", "tournament", "tournamentday"])
def test_history_of_what_cannot_be_is_not_found(manager: Client, name: str) -> None:
    for key in ("x", "1.5", "a%00b", "-1", str(10**30)):
        assert manager.get(f"/tournaments/{name}/{key}/history/").status_code == 404
    assert (
        manager.get(reverse("admin:tournaments_court_history", args=[CourtFactory().pk])).status_code == 200
    )
