"""The ports of the tests' own servers."""

import os
from unittest import mock

from django.test import SimpleTestCase

from tests.server import free_port

GIVEN = 32_768  # from here on the system gives ports to whoever asks for any


class PortTest(SimpleTestCase):
    def test_each_of_32_processes_has_its_own_below_those_that_the_system_gives(self):
        highest = 0
        for worker in range(32):
            with mock.patch.dict(os.environ, PYTEST_XDIST_WORKER=f"gw{worker}"):
                ports = [free_port() for _ in range(20)]
            self.assertGreater(min(ports), highest)
            highest = max(ports)
        self.assertLess(highest, GIVEN)
