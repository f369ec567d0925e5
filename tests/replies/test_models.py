"""Which model answers: as a request names it, or as the conversation's owner has chosen."""

from uuid import uuid4

from tests.replies.case import ServerCase, WorkersCase, asks
from tests.tabs import Person, Tab

SMALL, LARGE = "numbered", "numbered-large"


class ModelsTests(ServerCase):
    settings = {"OPENAI_MODEL": f"{SMALL},{LARGE}"}

    def asked(self) -> list[str]:
        """The models that the server was asked for."""
        return [request["body"]["model"] for request in self.upstream.requests()]

    async def chosen(self, tab: Tab, conversation: str, **fields: str) -> None:
        """Wait until the tab is told of this choice."""
        await tab.until(
            lambda: fields.items() <= tab.client.entries.get(conversation, {}).items(), f"{fields}"
        )

    async def test_a_new_conversation_keeps_whom_its_first_message_names(self):
        async with Person(self.server.url) as alice:
            tab = await alice.tab()
            first = await tab.ask(asks(tokens=2), model=LARGE)
            second = await tab.ask(asks(tokens=2))
            self.assertEqual((first["model"], second["model"]), (LARGE, LARGE))
            self.assertEqual(self.asked(), [LARGE, LARGE])
            await tab.open(tab.client.conversation)
            self.assertEqual(tab.all("state")[-1]["conversation"]["model"], LARGE)

    async def test_without_a_name_the_default_answers(self):
        async with Person(self.server.url) as alice:
            tab = await alice.tab()
            for model in ({}, {"model": ""}, {"model": SMALL}):
                reply = await tab.ask(
                    asks(tokens=2), conversation=str(uuid4()), parent=None, **model
                )
                self.assertEqual(reply["model"], SMALL)
                # The default is no choice: it may be another tomorrow.
                self.assertEqual(tab.all("state")[-1]["conversation"]["model"], "")

    async def test_the_owner_changes_both_at_any_time_and_every_tab_is_told(self):
        async with Person(self.server.url) as alice:
            here, there = await alice.tab(), await alice.tab()
            ack = await here.send(asks(tokens=3, gate="choose", gate_after=1))
            conversation = ack["conversation"]
            await there.open(conversation)
            self.assertEqual(await alice.change(conversation, model=LARGE), 204)
            self.assertEqual(await alice.change(conversation, assistant="plan"), 204)
            for tab in (here, there):
                await self.chosen(tab, conversation, model=LARGE, assistant="plan")
            self.upstream.release("choose")
            reply = await here.ended(ack["reply"])
            self.assertEqual((reply["model"], reply["assistant"]), (SMALL, "chat"))
            reply = await here.ask(asks(tokens=3))
            self.assertEqual((reply["model"], reply["assistant"]), (LARGE, "plan"))
            self.assertEqual(self.asked(), [SMALL, LARGE, LARGE])  # a plan is asked for first
            await alice.change(conversation, model="", assistant="chat")
            await self.chosen(there, conversation, model="", assistant="chat")
            self.assertEqual((await here.ask(asks(tokens=3)))["model"], SMALL)

    async def test_a_reply_is_written_anew_by_another_and_the_choice_stays(self):
        async with Person(self.server.url) as alice:
            tab = await alice.tab()
            reply = await tab.ask(asks(tokens=2))
            ack = await tab.request(
                type="regenerate", cid=str(uuid4()), message=reply["id"], model=LARGE
            )
            other = await tab.ended(ack["reply"])
            self.assertEqual(other["model"], LARGE)
            self.assertEqual(len(other["siblings"]), 2)
            self.assertEqual((await tab.ask(asks(tokens=2)))["model"], SMALL)
            self.assertEqual(self.asked(), [SMALL, LARGE, SMALL])

    async def test_who_began_goes_on(self):
        async with Person(self.server.url) as alice:
            tab = await alice.tab()
            ack = await tab.send(asks(tokens=50, cut_after=5, next={"tokens": 3}), model=LARGE)
            cut = await tab.ended(ack["reply"])
            self.assertEqual(cut["status"], "interrupted")
            await alice.change(ack["conversation"], model="")
            ack = await tab.again("continue", cut["id"])
            self.assertEqual((await tab.ended(ack["reply"]))["model"], LARGE)

    async def test_what_is_not_offered_is_refused(self):
        async with Person(self.server.url) as alice:
            tab = await alice.tab()
            reply = await tab.ask(asks(tokens=2))
            refused = await tab.send("Hello", model="another")
            self.assertEqual(refused["code"], "bad_field")
            refused = await tab.request(
                type="regenerate", cid=str(uuid4()), message=reply["id"], model="another"
            )
            self.assertEqual(refused["code"], "bad_field")
            conversation = tab.client.conversation
            for wrong in ({"model": "another"}, {"assistant": "another"}, {"assistant": ""}):
                self.assertEqual(await alice.change(conversation, **wrong), 400)
            self.assertEqual(len(self.upstream.requests()), 1)


class WithdrawnTests(ServerCase):
    settings = {"OPENAI_MODEL": f"{SMALL},{LARGE}"}

    async def test_a_model_that_is_offered_no_more_is_answered_by_the_default(self):
        async with Person(self.server.url) as alice:
            tab = await alice.tab()
            await tab.ask(asks(tokens=2), model=LARGE)
            self.server.kill()
            self.server.settings["OPENAI_MODEL"] = SMALL
            self.server.start()
            await tab.reconnect()
            reply = await tab.ask(asks(tokens=2))
            self.assertEqual(reply["model"], SMALL)
            self.assertEqual(self.upstream.requests()[-1]["body"]["model"], SMALL)
            # What was chosen stays known: the page says that it is gone.
            await tab.open(tab.client.conversation)
            self.assertEqual(tab.all("state")[-1]["conversation"]["model"], LARGE)


class WorkersTests(WorkersCase):
    # Looking each second would find it as well; so it comes by the bell, or too late.
    settings = {"OPENAI_MODEL": f"{SMALL},{LARGE}", "POLL_SECONDS": 60}

    async def test_the_other_worker_hears_of_a_choice_and_keeps_to_it(self):
        async with Person(self.workers[0].url) as alice:
            here, there = await self.tabs_of(alice)
            reply = await here.ask(asks(tokens=2))
            conversation = here.client.conversation
            await there.open(conversation)
            alice.url = self.workers[0].url
            await alice.change(conversation, model=LARGE)
            await there.until(
                lambda: there.client.entries.get(conversation, {}).get("model") == LARGE, "a choice"
            )
            self.assertEqual((await there.ask(asks(tokens=2)))["model"], LARGE)
            self.assertEqual(reply["model"], SMALL)
