"""A bus without its Redis."""

import socket

from channels.layers import get_channel_layer
from django.test import SimpleTestCase, override_settings

from chat.replies.bus import Bus

LAYER = "channels_redis.pubsub.RedisPubSubChannelLayer"


class AwayTests(SimpleTestCase):
    async def test_one_that_cannot_listen_keeps_nothing_of_what_it_tried(self):
        with socket.socket() as silent:  # it has a port, and nobody is heard there
            silent.bind(("127.0.0.1", 0))
            address = "redis://{}:{}/0".format(*silent.getsockname())
            layers = {"default": {"BACKEND": LAYER, "CONFIG": {"hosts": [address]}}}
            with override_settings(CHANNEL_LAYERS=layers):
                bus = Bus("here", {})
                for _ in range(3):
                    with self.assertLogs("chat.replies"):
                        await bus.listen()
                self.assertFalse(get_channel_layer().channels)
