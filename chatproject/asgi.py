"""The application that a server runs: pages over HTTP, the chat over a WebSocket."""

import os

from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatproject.settings")
pages = get_asgi_application()  # before anything that needs the models

from django.conf import settings  # noqa: E402
from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler  # noqa: E402
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware  # noqa: E402

from chat import bodies, flood, probes, queues  # noqa: E402
from chat.backpressure import teach_daphne  # noqa: E402
from chat.lifespan import drain_before_daphne_stops, lifespan, write_no_access_log  # noqa: E402
from chat.routing import websocket_urlpatterns  # noqa: E402

if settings.DEBUG:
    pages = ASGIStaticFilesHandler(pages)  # as they are in the folders; else WhiteNoise serves them

drain_before_daphne_stops()
bodies.limit_daphnes()
teach_daphne()
flood.count_frames()
write_no_access_log()
application = ProtocolTypeRouter(
    {
        "http": probes.before(bodies.limited(queues.queued(pages))),
        "websocket": URLRouter(websocket_urlpatterns),
        "lifespan": lifespan,
    }
)
if settings.TRUSTED_PROXIES:
    # Where a request comes from, and how, is what the outermost proxy of these says.
    application = ProxyHeadersMiddleware(application, settings.TRUSTED_PROXIES)
