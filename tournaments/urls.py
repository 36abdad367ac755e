"""Pages of this app beside its admin. All need a member of staff."""

from django.contrib import admin
from django.urls import path

from tournaments import views

urlpatterns = [
    path("context/", admin.site.admin_view(views.context_page), name="context"),
    path("context/set/", admin.site.admin_view(views.set_context_view), name="set_context"),
]
