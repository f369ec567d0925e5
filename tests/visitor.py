"""A person who fills in the site's forms, as a browser without a script does."""

from dataclasses import dataclass

from tests.tabs import Person

PASSWORD = "a password of the tests"


@dataclass(frozen=True)
class Answer:
    """The page that a form led to."""

    status: int
    path: str
    text: str


class Visitor(Person):
    async def see(self, path: str) -> Answer:
        async with self.http.get(f"{self.url}{path}") as response:
            return Answer(response.status, response.url.path_qs, await response.text())

    async def submit(self, path: str, **fields: str) -> Answer:
        """Post a form, and follow to the page that it leads to."""
        headers = {"X-CSRFToken": await self._token(), "Origin": self.url}
        async with self.http.post(f"{self.url}{path}", data=fields, headers=headers) as response:
            return Answer(response.status, response.url.path_qs, await response.text())

    async def sign_up(self, name: str, **fields: str) -> Answer:
        fields = {"password1": PASSWORD, "password2": PASSWORD} | fields
        return await self.submit("/sign-up/", username=name, **fields)

    async def sign_in(self, name: str, password: str = PASSWORD, **fields: str) -> Answer:
        return await self.submit("/sign-in/", username=name, password=password, **fields)

    async def sign_out(self) -> Answer:
        return await self.submit("/sign-out/")

    async def titles(self) -> list[str]:
        """The list of conversations."""
        found = await self.get("/conversations/")
        return [entry["title"] for entry in found["conversations"]]

    async def _token(self) -> str:
        if not any(cookie.key == "csrftoken" for cookie in self.http.cookie_jar):
            await self.see("/sign-in/")
        return {cookie.key: cookie.value for cookie in self.http.cookie_jar}["csrftoken"]
