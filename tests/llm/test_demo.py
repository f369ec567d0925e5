from django.conf import settings
from django.test import SimpleTestCase

from chat.llm.base import Finish, Text, Usage
from chat.llm.demo import Demo
from chat.text import estimate_tokens


def user(text: str) -> dict:
    return {"role": "user", "content": text}


def assistant(text: str) -> dict:
    return {"role": "assistant", "content": text}


async def pieces(*messages: dict, **options) -> list:
    return [piece async for piece in Demo(seconds_between=0).stream(list(messages), **options)]


async def text(*messages: dict) -> str:
    return "".join(piece.text for piece in await pieces(*messages) if isinstance(piece, Text))


class DemoTest(SimpleTestCase):
    async def test_says_what_it_is_and_quotes_the_question(self):
        answer = await text(user("Why is the\nsea salt?"))
        self.assertIn("demo", answer)
        self.assertIn("> Why is the sea salt?", answer)

    async def test_quotes_only_the_beginning_of_a_long_question(self):
        answer = await text(user("why " * 1000))
        self.assertIn("…", answer)
        self.assertLess(len(answer), 2000)

    async def test_explains_how_to_connect_a_model(self):
        answer = await text(user("How do I connect a model?"))
        for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "Ollama", "LM Studio", "vLLM"):
            self.assertIn(name, answer)

    async def test_every_topic_has_its_answer_and_says_that_it_is_a_demo(self):
        for question, sign in (
            ("what is this?", "Django project"),
            ("show markdown and a table", "|---|"),
            ("please write some code", "```python"),
            ("what happens to a reply if I reload, or the server crashes?", "database"),
        ):
            answer = await text(user(question))
            with self.subTest(question):
                self.assertIn(sign, answer.replace(":---:", "---").replace("|:---|", "|---|"))
                self.assertIn("demo", answer)

    async def test_counts_the_messages_that_it_has_seen(self):
        answer = await text(user("One?"), assistant("One."), user("Two?"))
        self.assertIn("message number 2", answer)

    async def test_the_same_question_has_the_same_answer(self):
        self.assertEqual(await text(user("Why?")), await text(user("Why?")))

    async def test_goes_on_from_any_character_of_its_answer(self):
        question = user("Why is the sea salt?")
        whole = await text(question)
        for kept in (1, 7, len(whole) // 2, len(whole) - 1):
            with self.subTest(kept=kept):
                rest = await text(question, assistant(whole[:kept]), user("Go on, repeat nothing."))
                self.assertEqual(whole[:kept] + rest, whole)

    async def test_a_new_question_after_a_stopped_answer_is_answered(self):
        question = user("Why is the sea salt?")
        begun = (await text(question))[:20]
        self.assertIn("```python", await text(question, assistant(begun), user("Write code.")))

    async def test_reports_usage_and_finishes(self):
        found = await pieces(user("Why?"))
        answer = "".join(piece.text for piece in found if isinstance(piece, Text))
        self.assertEqual(found[-2:], [Usage(1, estimate_tokens(answer)), Finish("stop")])

    async def test_ends_at_the_limit_of_tokens(self):
        found = await pieces(user("Why?"), max_tokens=5)
        self.assertEqual(found[-1], Finish("length"))
        self.assertEqual(found[-2].completion_tokens, 5)

    async def test_comes_in_small_pieces(self):
        found = [piece for piece in await pieces(user("Why?")) if isinstance(piece, Text)]
        self.assertLess(max(len(piece.text.strip()) for piece in found), 13)

    async def test_reads_the_text_of_a_message_with_parts(self):
        parts = [{"type": "text", "text": "Why?"}, {"type": "image_url", "image_url": {}}]
        self.assertIn("> Why?", await text({"role": "user", "content": parts}))

    async def test_writes_a_title_when_it_is_asked_for_one(self):
        wish = user(settings.TITLE_PROMPT)
        for question, title in (
            ("How do I connect a model?", "How to connect a model"),
            ("Why is the sea so very salty, and rivers not?", "Why is the sea so very"),
            ("Why?", "Why"),
        ):
            with self.subTest(question):
                self.assertEqual(await text(user(question), assistant("So."), wish), title)

    async def test_has_one_model(self):
        self.assertEqual(await Demo().models(), ["demo"])


class EstimateTest(SimpleTestCase):
    def test_is_a_quarter_of_the_bytes_rounded_up(self):
        for given, tokens in (("", 0), ("a", 1), ("abcd", 1), ("abcde", 2), ("\ud83d", 1)):
            self.assertEqual(estimate_tokens(given), tokens)
