from django.urls import path

from .consumers import ChatConsumer, InspectionConsumer

websocket_urlpatterns = [
    path("ws/chat/", ChatConsumer.as_asgi()),
    path("ws/admin/", InspectionConsumer.as_asgi()),
]
