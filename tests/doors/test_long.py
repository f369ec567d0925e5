"""A conversation of thousands of messages, in the page: it is as light as one of fifty."""

from time import monotonic

from tests.doors.test_page import PageCase
from tests.replies.case import asks
from tests.upstream import numbered

COUNTS = (50, 300, 5000)
MAKE = """
from chat.models import Conversation, Message, Profile
owner = Profile.objects.get(id="{person}").user
for count in {counts}:
    talk = Conversation(owner=owner, title=f"Talk {{count}}", last_seq=count)
    talk.save()
    rows = []
    for seq in range(1, count + 1):
        role = Message.Role.USER if seq % 2 else Message.Role.ASSISTANT
        text = f"Message **{{seq:04d}}** of many."
        parent = rows[-1] if rows else None
        rows.append(Message(conversation=talk, seq=seq, parent=parent, role=role, text=text,
                            length=len(text)))
    Message.objects.bulk_create(rows, batch_size=1000)
    print(talk.id)
"""
SECONDS = 60
MESSAGE = "chat-message"
ELEMENTS = "document.querySelectorAll('*').length"
# In the page: what is written into any message but the last from now on.
WATCH = """() => {
    window.touched = [];
    const list = document.querySelector("[data-part=messages]");
    const last = [...list.querySelectorAll("chat-message")].at(-1);
    const other = ({ target }) => list.contains(target) && !last.contains(target);
    const note = (records) => touched.push(...records.filter(other));
    const kinds = { attributes: true, characterData: true, childList: true, subtree: true };
    window.watching = new MutationObserver(note);
    watching.observe(list, kinds);
    const name = ({ type, target }) => `${type} ${target.outerHTML ?? target.data}`.slice(0, 200);
    window.told = () => (note(watching.takeRecords()), touched.map(name));
}"""


class LongConversationTests(PageCase):
    def setUp(self) -> None:
        super().setUp()
        person = self.page.locator("chat-app").get_attribute("data-user")
        ids = self.server.shell(MAKE.format(person=person, counts=COUNTS)).split()
        self.paths = {count: f"/c/{id}/" for count, id in zip(COUNTS, ids, strict=True)}

    def test_the_page_of_5000_messages_weighs_what_that_of_50_does(self):
        sizes, elements = {}, {}
        for count in 50, 5000:
            page = self.person.new_page()
            response = page.goto(f"{self.server.url}{self.paths[count]}")
            page.locator(f"{MESSAGE} [data-rich]").last.wait_for()
            sizes[count], elements[count] = len(response.body()), page.evaluate(ELEMENTS)
            self.assertEqual(page.locator(MESSAGE).count(), 50)
        # Longer numbers, and the way to what is before.
        self.assertLess(abs(sizes[5000] - sizes[50]), 2000, sizes)
        drawn = "document.querySelectorAll('[data-rich] *').length"
        self.assertLess(abs(elements[5000] - elements[50]), 100 + page.evaluate(drawn), elements)

    def test_what_is_added_to_a_reply_touches_no_other_message(self):
        page = self.open(self.paths[300])
        page.locator(f"{MESSAGE} [data-rich]").last.wait_for()
        self.send(asks(tokens=90, rate=0, gate="more", gate_after=10, stall_after=60), page)
        self.until_text(numbered(10), page)
        page.evaluate(WATCH)
        self.upstream.release("more")
        self.until_text(numbered(60), page)
        self.assertEqual(page.evaluate("told()"), [])
        page.click("[data-part=stop]")
        self.until_status("stopped", page)
        # What the end of a reply changes in the others is seen by the same watcher.
        self.assertNotEqual(page.evaluate("told()"), [])

    def test_who_scrolls_up_comes_to_the_first_message_without_asking(self):
        page = self.open(self.paths[300])
        page.locator(f"{MESSAGE} [data-rich]").last.wait_for()
        # Nothing is fetched for who stays at the end.
        self.assertEqual(page.locator(MESSAGE).count(), 50)
        box = page.locator("[data-part=thread]").bounding_box()
        page.mouse.move(box["x"] + 100, box["y"] + 100)
        first = page.locator(f"{MESSAGE} [data-part=text]", has_text="Message **0001**")
        until = monotonic() + SECONDS
        while not first.count() and monotonic() < until:
            page.mouse.wheel(0, -2000)
            page.evaluate("new Promise(requestAnimationFrame)")
        first.wait_for()
        self.assertEqual(page.locator(MESSAGE).count(), 300)
        texts = page.locator(f"{MESSAGE} [data-part=text]").all_text_contents()
        numbers = [text.replace("*", "").split()[1] for text in texts]
        self.assertEqual(numbers, [f"{number:04d}" for number in range(1, 301)])
        self.assertTrue(page.locator("[data-part=earlier]").is_hidden())
