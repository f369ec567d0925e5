"""The models that people may choose, and where each is to be had."""

from django.test import SimpleTestCase, override_settings

from chat import llm

DEFAULT = {"BACKEND": "chat.llm.openai_compatible.OpenAICompatible", "BASE_URL": "http://a.test"}
LOCAL = DEFAULT | {"BASE_URL": "http://b.test", "MODELS": ["small", "llama3.2:1b"]}
LLMS = {"default": DEFAULT | {"MODELS": ["small", "large"]}, "local": LOCAL, "hidden": LOCAL}


class ModelsTest(SimpleTestCase):
    def place(self, name: str) -> tuple[str, str]:
        found = llm.named(name)
        return found.base_url, found.model

    @override_settings(LLMS=LLMS)
    def test_those_of_the_default_backend(self):
        self.assertEqual(llm.models(), ["small", "large"])
        self.assertEqual(self.place("large"), ("http://a.test", "large"))
        self.assertEqual(self.place(""), ("http://a.test", "small"))

    @override_settings(LLMS=LLMS, CHAT_LLMS=["default", "local"])
    def test_no_two_backends_call_a_model_the_same(self):
        offered = ["small", "large", "local:small", "local:llama3.2:1b"]
        self.assertEqual(llm.models(), offered)
        self.assertEqual(self.place("small"), ("http://a.test", "small"))
        self.assertEqual(self.place("local:small"), ("http://b.test", "small"))
        self.assertEqual(self.place("local:llama3.2:1b"), ("http://b.test", "llama3.2:1b"))

    @override_settings(LLMS=LLMS)
    def test_what_is_not_offered_is_a_name_for_the_default_to_judge(self):
        self.assertEqual(self.place("hidden:small"), ("http://a.test", "hidden:small"))

    @override_settings(LLMS={"default": DEFAULT, "local": LOCAL}, CHAT_LLMS=["default", "local"])
    def test_a_default_that_names_no_model_is_still_the_first(self):
        self.assertEqual(llm.models(), ["", "local:small", "local:llama3.2:1b"])
        self.assertEqual(self.place(""), ("http://a.test", ""))

    def test_the_demo_is_no_choice(self):
        self.assertEqual(llm.models(), [""])
        self.assertEqual(llm.named("").model, "demo")
