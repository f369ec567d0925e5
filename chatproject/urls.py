from django.contrib import admin
from django.urls import include, path

from chat.views import accounts

urlpatterns = [
    # Staff comes and goes by the site's own doors, which know of the tabs that are open.
    path("admin/login/", accounts.SignIn.as_view(next_page="admin:index")),
    path("admin/logout/", accounts.SignOut.as_view()),
    path("admin/password_change/", accounts.Password.as_view()),
    path("admin/", admin.site.urls),
    path("", include("chat.urls")),
]
