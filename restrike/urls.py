from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("", include("events.urls")),
    path("", include("tournaments.urls")),
    path("", admin.site.urls),
]
