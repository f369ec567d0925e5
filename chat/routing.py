from collections.abc import Awaitable, Callable

from django.urls import path, re_path

from .consumers import ChatConsumer, InspectionConsumer


async def nowhere(scope: dict, receive: Callable, send: Callable[[dict], Awaitable[None]]) -> None:
    """Refuses a socket at any other address. Channels raises, and the server logs it as an error,
    as often as anybody likes."""
    await send({"type": "websocket.close"})


websocket_urlpatterns = [
    path("ws/chat/", ChatConsumer.as_asgi()),
    path("ws/admin/", InspectionConsumer.as_asgi()),
    re_path("", nowhere),
]
