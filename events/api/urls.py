"""Addresses below `/api/`."""

from django.contrib import admin
from django.contrib.auth.decorators import permission_required
from django.urls import path, re_path

from events.api.api import api, docs, nothing_here

urlpatterns = [
    path(
        "v1/docs",
        admin.site.admin_view(permission_required("events.view_pssevent", raise_exception=True)(docs)),
        name="api_docs",
    ),
    path("v1/", api.urls),
    re_path("", nothing_here),
]
