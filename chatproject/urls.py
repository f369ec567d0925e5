from django.contrib import admin
from django.contrib.auth.views import LoginView, LogoutView
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("sign-in/", LoginView.as_view(redirect_authenticated_user=False), name="login"),
    path("sign-out/", LogoutView.as_view(), name="logout"),
    path("", include("chat.urls")),
]
