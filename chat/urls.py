from django.urls import path

from . import views

app_name = "chat"
urlpatterns = [
    path("", views.page, name="new"),
    path("c/<uuid:conversation>/", views.page, name="conversation"),
    path("c/<uuid:conversation>/messages/", views.earlier_messages, name="messages"),
    path("c/<uuid:conversation>/rename/", views.rename, name="rename"),
    path("c/<uuid:conversation>/delete/", views.delete, name="delete"),
    path("conversations/", views.list_conversations, name="list"),
]
