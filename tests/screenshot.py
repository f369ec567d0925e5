"""Make the README's picture of the real page: `python -m tests.screenshot`."""

from pathlib import Path

from tests.browser import Browser
from tests.server import Server

PICTURE = Path(__file__).parent.parent / "docs" / "screenshot.png"
QUESTIONS = ["What happens to a reply when I close the tab?", "How do I connect a model?"]

CHARACTERS = 400  # of the last reply, which is then still being written


def main() -> None:
    with Server("uvicorn") as server, Browser() as browser:
        page = browser.person(device_scale_factor=2).new_page()
        page.goto(server.url)
        for question in QUESTIONS:
            page.fill("[data-part=composer-input]", question)
            page.press("[data-part=composer-input]", "Enter")
            if question != QUESTIONS[-1]:
                page.locator("article[data-role=assistant][data-status=done]").last.wait_for(
                    timeout=60_000
                )
        page.wait_for_function(
            "length => [...document.querySelectorAll('article [data-part=text]')]"
            ".at(-1).textContent.length > length",
            arg=CHARACTERS,
        )
        page.screenshot(path=PICTURE)


if __name__ == "__main__":
    main()
