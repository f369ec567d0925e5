"""Passwords cannot be guessed: not by trying, not from elsewhere, not at another door."""

import asyncio
from uuid import uuid4

from tests.replies.case import ServerCase
from tests.visitor import PASSWORD, Answer, Visitor

WRONG = "a wrong password"


class Multipart(Visitor):
    """Who posts a form in pieces, and says that they are in a charset of Python's own."""

    async def sign_in_as(self, name: str, password: str, more: dict[str, str]) -> Answer:
        fields = {"csrfmiddlewaretoken": await self._token(), "username": name}
        parts = [
            f'--b\r\nContent-Disposition: form-data; name="{field}"\r\n\r\n{value}\r\n'
            for field, value in (fields | {"password": password} | more).items()
        ]
        headers = {
            "Content-Type": "multipart/form-data; boundary=b; charset=unicode_escape",
            "Origin": self.url,
        }
        body = "".join([*parts, "--b--\r\n"]).encode()
        async with self.http.post(f"{self.url}/sign-in/", data=body, headers=headers) as response:
            return Answer(response.status, response.url.path_qs, await response.text())


class GuessTests(ServerCase):
    settings = {"SIGN_UP": 1, "LIMIT_GUESSES": 3, "TRUSTED_PROXIES": "127.0.0.1"}

    def at(self, address: str) -> Multipart:
        return Multipart(self.server.url, {"X-Forwarded-For": address})

    async def account(self) -> str:
        name = f"person-{uuid4().hex[:8]}"
        async with self.at("192.0.2.1") as someone:
            self.assertEqual((await someone.sign_up(name)).path, "/")
        return name

    async def test_who_fails_too_often_waits_even_with_the_right_password(self):
        name = await self.account()
        async with self.at("192.0.2.2") as stranger:
            found = [(await stranger.sign_in(name, WRONG)).status for _ in range(3)]
            self.assertEqual(found, [200, 200, 429])
            locked = await stranger.sign_in(name)
            self.assertEqual(locked.status, 429)
            self.assertIn("Wait a quarter of an hour", locked.text)
            # Nor at the administrators' door.
            admin = await stranger.submit("/admin/login/", username=name, password=PASSWORD)
            self.assertEqual(admin.status, 429)
            # Somebody else from there comes in.
            self.assertEqual((await stranger.sign_in(await self.account())).path, "/")
        # And so does the person, who is elsewhere.
        async with self.at("192.0.2.3") as person:
            self.assertEqual((await person.sign_in(name)).path, "/")

    async def test_of_many_at_once_no_more_are_looked_at(self):
        name = await self.account()
        async with self.at("192.0.2.8") as stranger:
            await stranger.see("/sign-in/")
            found = await asyncio.gather(*(stranger.sign_in(name, WRONG) for _ in range(12)))
            self.assertEqual(sorted(answer.status for answer in found), [200] * 2 + [429] * 10)
        attempts = self.server.manage("axes_list_attempts").stdout.splitlines()
        self.assertIn(f"192.0.2.8\t{name}\t3", attempts)

    async def test_who_is_signed_in_does_not_try_every_password_either(self):
        name = await self.account()
        for n, (path, field) in enumerate(
            (("/password/", "old_password"), ("/account/delete/", "password"))
        ):
            async with self.at(f"192.0.2.{10 + n}") as thief:
                await thief.sign_in(name)
                new = {"new_password1": f"{PASSWORD}!", "new_password2": f"{PASSWORD}!"}
                tries = [await thief.submit(path, **new, **{field: WRONG}) for _ in range(3)]
                self.assertEqual([answer.status for answer in tries], [200, 200, 429])
                self.assertEqual((await thief.submit(path, **new, **{field: PASSWORD})).status, 429)
        # That it was tried is written down, and not what was typed.
        files = [path for path in self.server.data.rglob("*") if path.is_file()]
        kept = b"".join(path.read_bytes() for path in files)
        self.assertIn(b"old_password=", kept)
        for typed in (WRONG, f"{PASSWORD}!"):
            self.assertNotIn(typed.encode(), kept)

    async def test_guesses_in_a_charset_of_ones_own_count_alike(self):
        name = await self.account()
        surrogate = {"x": r"\ud800"}  # which is six letters, and in that charset half of one
        async with self.at("192.0.2.14") as stranger:
            tries = [await stranger.sign_in_as(name, WRONG, surrogate) for _ in range(3)]
            self.assertEqual([answer.status for answer in tries], [200, 200, 429])
            self.assertEqual((await stranger.sign_in(name)).status, 429)

    async def test_guesses_at_the_administrators_door_count_alike(self):
        name = await self.account()
        async with self.at("192.0.2.4") as stranger:
            fields = {"username": name, "password": WRONG}
            found = [(await stranger.submit("/admin/login/", **fields)).status for _ in range(3)]
            self.assertEqual(found, [200, 200, 429])
            self.assertEqual((await stranger.sign_in(name)).status, 429)

    async def test_a_name_is_not_guessed_at_from_everywhere_without_end(self):
        name = await self.account()
        for n in range(15):
            async with self.at(f"198.51.100.{n}") as stranger:
                for _ in range(2):
                    last = await stranger.sign_in(name, WRONG)
        self.assertEqual(last.status, 429)

    async def test_an_address_does_not_try_every_name(self):
        async with self.at("192.0.2.5") as stranger:
            for _ in range(30):
                last = await stranger.sign_in(f"person-{uuid4().hex[:8]}", WRONG)
        self.assertEqual(last.status, 429)

    async def test_an_unknown_name_reads_as_a_wrong_password(self):
        name = await self.account()
        async with self.at("192.0.2.6") as stranger:
            wrong = await stranger.sign_in(name, WRONG)
            unknown = await stranger.sign_in(other := f"person-{uuid4().hex[:8]}", WRONG)
            self.assertEqual(
                without_token(wrong.text.replace(name, "?")),
                without_token(unknown.text.replace(other, "?")),
            )

    async def test_a_weak_password_is_refused(self):
        for weak in ("short", "password1234", "123456789012"):
            async with self.at("192.0.2.7") as someone:
                answer = await someone.sign_up(
                    f"person-{uuid4().hex[:8]}", password1=weak, password2=weak
                )
                self.assertEqual(answer.path, "/sign-up/", weak)


def without_token(page: str) -> str:
    """The page without what is another each time."""
    return "\n".join(line for line in page.splitlines() if "csrfmiddlewaretoken" not in line)
