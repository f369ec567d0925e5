from django.urls import path
from django.views.generic import TemplateView

from .views import accounts, conversations, export, page, preferences
from .views.readers import readers
from .views.search import search

app_name = "chat"
urlpatterns = [
    path("", page.page, name="new"),
    path("c/<uuid:conversation>/", page.page, name="conversation"),
    path("c/<uuid:conversation>/messages/", conversations.earlier_messages, name="messages"),
    path("c/<uuid:conversation>/select/", conversations.select, name="select"),
    path("c/<uuid:conversation>/export/", export.one, name="export"),
    path("search/", search, name="search"),
    path("export/", export.everything, name="export-all"),
    path("conversations/", conversations.list_conversations, name="list"),
    path("conversations/<uuid:conversation>/", conversations.conversation, name="change"),
    path("conversations/<uuid:conversation>/restore/", conversations.restore, name="restore"),
    path("sign-in/", accounts.SignIn.as_view(), name="sign-in"),
    path("sign-out/", accounts.SignOut.as_view(), name="sign-out"),
    path("sign-up/", accounts.SignUp.as_view(), name="sign-up"),
    path("theme/", preferences.theme, name="theme"),
    path("settings/", preferences.Preferences.as_view(), name="settings"),
    path("settings/readers/", readers, name="readers"),
    path("password/", accounts.Password.as_view(), name="password"),
    path("password/forgotten/", accounts.Forgotten.as_view(), name="forgotten"),
    path("password/<uidb64>/<token>/", accounts.NewPassword.as_view(), name="new-password"),
    path("account/delete/", accounts.Delete.as_view(), name="delete-account"),
    path(
        "goodbye/", TemplateView.as_view(template_name="chat/accounts/goodbye.html"), name="goodbye"
    ),
]
