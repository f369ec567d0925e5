from django.urls import path

from .views import conversations, page

app_name = "chat"
urlpatterns = [
    path("", page.page, name="new"),
    path("c/<uuid:conversation>/", page.page, name="conversation"),
    path("c/<uuid:conversation>/messages/", conversations.earlier_messages, name="messages"),
    path("c/<uuid:conversation>/rename/", conversations.rename, name="rename"),
    path("c/<uuid:conversation>/delete/", conversations.delete, name="delete"),
    path("conversations/", conversations.list_conversations, name="list"),
]
