"""What a socket is told where it asks for something else meanwhile: real rows, in an order that is
made on purpose."""

import asyncio
from uuid import uuid4

from asgiref.sync import sync_to_async
from django.contrib.auth import get_user_model
from django.test import TransactionTestCase

from chat.models import Conversation, Message, lease_end
from chat.replies import snapshot
from chat.replies.database import in_database
from chat.replies.follow import Follower
from chat.replies.hub import Hub


class FollowerTests(TransactionTestCase):
    async def test_what_is_asked_for_last_is_shown_though_a_reply_has_to_be_read_again(self):
        self.told: asyncio.Queue = asyncio.Queue()
        self.alice = await get_user_model().objects.acreate_user("alice")
        talk, other = await self.talk(), await self.talk()
        hub, read, go_on = Hub(), asyncio.Event(), asyncio.Event()

        async def ask(function, *args):
            found = await in_database(function, *args)
            if function is snapshot.since:
                read.set()
                await go_on.wait()
            return found

        async def close(code: int) -> None:
            raise AssertionError(code)

        follower, another = (Follower(hub, ask, self.alice, self.told.put, close) for _ in range(2))
        following = asyncio.create_task(follower.run())
        follower.open(talk.id, {}, {})
        await self.until("state")
        lease = await sync_to_async(lease_end)(60)
        fields = {"status": "running", "worker": "elsewhere", "lease_until": lease}
        reply = await self.say(talk, "assistant", "12345", **fields)
        follower.news()
        await read.wait()
        reply.text, reply.length = "1234567890", 10
        await reply.asave()
        hub.follow(reply, another)  # which was quicker, and knows only what comes after this
        follower.open(other.id, {}, {})
        follower.tell_entry({"id": str(uuid4())})  # told after all that was asked for
        go_on.set()
        frames = await self.until("conversation")
        states = [frame["conversation"]["id"] for frame in frames if frame["type"] == "state"]
        self.assertEqual(states, [str(other.id)])
        self.assertEqual(follower.shows, other.id)
        following.cancel()

    async def talk(self) -> Conversation:
        talk = await Conversation.objects.acreate(owner=self.alice, assistant="chat")
        await self.say(talk, "user", "Why?")
        return talk

    async def say(self, talk: Conversation, role: str, text: str, **fields) -> Message:
        add = sync_to_async(talk.add)
        parent = await talk.messages.order_by("seq").alast()
        return await add(parent=parent, role=role, text=text, length=len(text), **fields)

    async def until(self, type: str) -> list[dict]:
        """What is told up to the next frame of this type."""
        frames = []
        async with asyncio.timeout(30):
            while not frames or frames[-1]["type"] != type:
                frames.append(await self.told.get())
        return frames
