"""Users and groups in the dress of the other pages."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, User
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from tournaments.adminbase import StaffAdmin

_WHO_MAY = (
    "A Viewer sees everything. An Operator also makes tournaments and courts, chooses the active day and "
    "acknowledges alerts. A Manager also deletes, moves events and changes the rules of alerts."
)

admin.site.unregister(User)
admin.site.unregister(Group)


@admin.register(User)
class UserAdmin(DjangoUserAdmin, StaffAdmin):  # type: ignore[type-arg]  # the theme has no types
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ["username", "first_name", "last_name", "is_active", "is_superuser", "last_login"]
    list_filter = ["is_active", "groups"]
    # What one may do comes from the groups alone.
    filter_horizontal = ()
    add_fieldsets = ((None, {"fields": ("username", "password1", "password2", "groups")}),)
    fieldsets = (
        (None, {"fields": ("username", "password", "groups")}),
        ("Who it is", {"fields": ("first_name", "last_name", "email")}),
        ("Log in", {"fields": ("is_active", "is_staff", "is_superuser", "last_login")}),
    )
    readonly_fields = ("last_login",)

    def formfield_for_manytomany(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        if db_field.name == "groups":
            kwargs |= {"widget": UnfoldAdminCheckboxSelectMultipleWidget(), "help_text": _WHO_MAY}
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def save_model(self, request: Any, obj: User, form: Any, change: bool) -> None:
        # Nobody is made but to log in here.
        obj.is_staff |= not change
        super().save_model(request, obj, form, change)


@admin.register(Group)
class GroupAdmin(DjangoGroupAdmin, StaffAdmin):
    pass
