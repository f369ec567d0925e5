"""Markdown as models write it, always the same: headings, prose, lists, tables, and much code."""

SECTION = """\
## {n}. What happens to a request

A request goes through **{n} layers** before it is answered. Each of them may *refuse* it, or hand
it on with `next(request)`; see [the guide](https://docs.example/{n}) for who does what, and why it
is done in this order and in no other.

```python
class Layer{n}:
    \"\"\"Refuses what it does not know, and counts the rest.\"\"\"

    def __init__(self, following, limit={n}00):
        self.following = following
        self.limit = limit
        self.counted = 0

    async def __call__(self, request):
        if request.size > self.limit:
            raise Refused("too large", limit=self.limit)
        self.counted += 1
        answer = await self.following(request)
        return answer.with_header("X-Counted", str(self.counted))
```

1. The first one reads the **head**, and knows the person.
2. The second looks for `limits`:
   - how many in a minute,
   - how many at once.
3. The last one answers.

| layer | refuses | takes |
|---|---|---:|
| `session` | who is nobody | {n} ms |
| `limits` | who asks too often | 0.{n} ms |
| `answer` | nothing | all the rest |

> What is refused was not begun: nothing has to be undone, and whoever asked may ask again.

In short, *order matters*: what is cheap comes first, and what cannot be undone comes last. That is
all there is to say of layer {n}, but that ~~nobody~~ somebody has to write it.

"""


def markdown(characters: int) -> str:
    """So many characters of it."""
    sections, size = [], 0
    while size < characters:
        sections.append(SECTION.replace("{n}", str(len(sections) + 1)))
        size += len(sections[-1])
    return "".join(sections)[:characters]
