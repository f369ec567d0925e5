"""The two traps that a flow's author is warned of, as the pinned PocketFlow has them."""

import asyncio

from django.test import SimpleTestCase
from pocketflow import AsyncFlow, AsyncNode

from tests.scripted import Told


class Failing(AsyncNode):
    def __init__(self, told: Told, **options) -> None:
        super().__init__(**options)
        self.told = told

    async def exec_async(self, prepared) -> None:
        await self.told.text("a")
        raise ConnectionError


class TrapTest(SimpleTestCase):
    async def test_a_node_that_is_tried_again_says_everything_again(self):
        told = Told()
        with self.assertRaises(ConnectionError):
            await AsyncFlow(start=Failing(told, max_retries=2)).run_async({})
        self.assertEqual(told.said, "aa")

    async def test_one_try_is_one_try_and_that_is_the_default(self):
        for options in ({}, {"max_retries": 1}):
            told = Told()
            with self.subTest(options), self.assertRaises(ConnectionError):
                await AsyncFlow(start=Failing(told, **options)).run_async({})
            self.assertEqual(told.said, "a")

    async def test_no_tries_run_nothing_and_say_nothing_of_it(self):
        told = Told()
        await AsyncFlow(start=Failing(told, max_retries=0)).run_async({})
        self.assertEqual(told.events, [])

    async def test_a_stop_skips_what_comes_after_and_runs_what_must(self):
        at_work, done = asyncio.Event(), []

        class Holding(AsyncNode):
            async def exec_async(self, prepared) -> None:
                try:
                    at_work.set()
                    await asyncio.Event().wait()
                finally:
                    done.append("finally")

            async def post_async(self, shared, prepared, result) -> None:
                done.append("post_async")

        running = asyncio.create_task(AsyncFlow(start=Holding()).run_async({}))
        await at_work.wait()
        running.cancel()
        with self.assertRaises(asyncio.CancelledError):
            await running
        self.assertEqual(done, ["finally"])
