from django.test import SimpleTestCase
from hypothesis import given
from hypothesis import strategies as st

from chat.flows.trim import trimmed
from chat.text import estimate_tokens

PLENTY = 10**9
MESSAGES = st.lists(
    st.builds(
        lambda role, content: {"role": role, "content": content},
        st.sampled_from(["user", "assistant"]),
        st.text(min_size=1, max_size=30),
    ),
    max_size=12,
)


def talk(*contents: str) -> list[dict]:
    """A history of these messages, which ends with a question."""
    roles = ("user", "assistant")
    first = (len(contents) + 1) % 2
    return [
        {"role": roles[(first + number) % 2], "content": content}
        for number, content in enumerate(contents)
    ]


def contents(prompt: list[dict]) -> list[str]:
    return [message["content"] for message in prompt]


class TrimTest(SimpleTestCase):
    def test_all_of_it_fits_into_a_large_budget(self):
        history = talk("one", "two", "three")
        system = {"role": "system", "content": "Be brief."}
        self.assertEqual(trimmed(history, "Be brief.", PLENTY), [system, *history])

    def test_without_a_system_prompt_there_is_none(self):
        self.assertEqual(trimmed(talk("one"), "", PLENTY), talk("one"))

    def test_the_newest_are_kept(self):
        history = talk("a" * 40, "b" * 40, "c" * 40, "d" * 40, "e" * 40)  # 10 tokens each
        self.assertEqual(contents(trimmed(history, "", 30)), ["c" * 40, "d" * 40, "e" * 40])

    def test_the_system_prompt_counts_and_is_never_cut(self):
        history = talk("a" * 40, "b" * 40, "c" * 40)
        self.assertEqual(len(trimmed(history, "", 30)), 3)
        self.assertEqual(contents(trimmed(history, "s" * 40, 30)), ["s" * 40, "c" * 40])
        self.assertEqual(contents(trimmed(history, "s" * 400, 30)), ["s" * 400, "c" * 40])

    def test_the_question_is_kept_however_long_it_is(self):
        self.assertEqual(contents(trimmed(talk("a", "b", "c" * 1000), "", 10)), ["c" * 1000])
        self.assertEqual(contents(trimmed(talk("c" * 1000), "", 0)), ["c" * 1000])

    def test_more_of_the_end_is_kept_where_it_belongs_together(self):
        history = talk("old", "older", "why?", "because " * 100, "go on")
        kept = trimmed(history, "", 10, keep_last=3)
        self.assertEqual(contents(kept), ["why?", "because " * 100, "go on"])

    def test_the_history_does_not_begin_with_an_answer(self):
        history = talk("a" * 40, "b" * 40, "c" * 40)
        self.assertEqual(contents(trimmed(history, "", 20)), ["c" * 40])

    def test_questions_whose_reply_failed_are_asked_as_one(self):
        history = [*talk("one"), *talk("two"), *talk("three")]
        self.assertEqual(contents(trimmed(history, "", PLENTY)), ["one\n\ntwo\n\nthree"])

    def test_the_history_itself_is_left_as_it_was(self):
        history = [*talk("one"), *talk("two")]
        trimmed(history, "system", PLENTY)
        self.assertEqual(history, [*talk("one"), *talk("two")])

    @given(MESSAGES, st.text(max_size=20), st.integers(-5, 80), st.integers(1, 3))
    def test_of_any_history(self, history: list, system: str, budget: int, keep_last: int):
        prompt = trimmed(history, system, budget, keep_last)
        if system:
            self.assertEqual(prompt.pop(0), {"role": "system", "content": system})
        roles = [message["role"] for message in prompt]
        self.assertNotIn("system", roles)
        self.assertTrue(all(a != b for a, b in zip(roles, roles[1:], strict=False)), roles)
        # What is kept is an end of the history: its texts, joined where one role spoke twice.
        text = "\n\n".join(contents(prompt))
        ends = [history[start:] for start in range(len(history) + 1)]
        kept = [end for end in ends if "\n\n".join(contents(end)) == text]
        self.assertTrue(kept, (history, prompt))
        longest = max(map(len, kept))
        self.assertGreaterEqual(longest, min(keep_last, len(history)))
        if min(map(len, kept)) > keep_last:
            cost = sum(map(estimate_tokens, [system, *contents(min(kept, key=len))]))
            self.assertLessEqual(cost, budget)
