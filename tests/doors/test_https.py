"""Behind a proxy that ends TLS, or one that is not to be believed."""

from http.cookies import SimpleCookie

import aiohttp

from tests.replies.case import ServerCase
from tests.server import manage
from tests.tabs import AGENT

BY_HTTPS = AGENT | {"X-Forwarded-Proto": "https"}
ORIGIN = {"Host": "localhost", "Origin": "https://localhost"}


class ProxyCase(ServerCase):
    async def ask(self, path: str = "/", **headers: str) -> aiohttp.ClientResponse:
        """The answer to a request that comes through the proxy on this machine."""
        async with (
            aiohttp.ClientSession() as http,
            http.get(
                f"{self.server.url}{path}", headers=BY_HTTPS | headers, allow_redirects=False
            ) as answer,
        ):
            await answer.read()
            return answer


class HttpsTests(ProxyCase):
    settings = {"HTTPS": 1, "TRUSTED_PROXIES": "127.0.0.1", "LIMIT_ADDRESS_PEOPLE": 2}

    async def test_cookies_are_for_https_and_this_host_alone(self):
        cookies = SimpleCookie()
        for cookie in (await self.ask(**{"X-Forwarded-For": "192.0.2.1"})).cookies.values():
            cookies[cookie.key] = cookie.value
            self.assertTrue(cookie.key.startswith("__Host-"), cookie.key)
            self.assertTrue(cookie["secure"] and cookie["httponly"], cookie.key)
            self.assertEqual((cookie["samesite"], cookie["path"]), ("Lax", "/"), cookie.key)
        self.assertEqual({*cookies}, {"__Host-sessionid", "__Host-csrftoken"})
        # And with them the socket opens, for the page that came by https.
        said = "; ".join(f"{key}={cookie.value}" for key, cookie in cookies.items())
        for origin, first in (("https://localhost", "welcome"), ("http://localhost", "bye")):
            headers = {"Host": "localhost", "Origin": origin, "Cookie": said}
            async with (
                aiohttp.ClientSession() as http,
                http.ws_connect(f"{self.server.url}/ws/chat/", headers=headers) as socket,
            ):
                self.assertEqual((await socket.receive_json())["type"], first, origin)

    async def test_http_leads_to_https_which_browsers_remember(self):
        plain = await self.ask("/sign-in/", **{"X-Forwarded-Proto": "http", "Host": "localhost"})
        self.assertEqual(
            (plain.status, plain.headers["Location"]), (301, "https://localhost/sign-in/")
        )
        answer = await self.ask("/sign-in/")
        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.headers["Strict-Transport-Security"], "max-age=31536000")

    async def test_a_forged_host_is_refused(self):
        self.assertEqual((await self.ask(Host="evil.example")).status, 400)

    async def test_who_comes_is_who_the_proxy_says(self):
        for address, paths in (
            ("203.0.113.1", ["", "", "/sign-in/?next=/"]),
            ("203.0.113.2", [""]),
            # What a browser made up stands before what the proxy adds.
            ("203.0.113.99, 203.0.113.1", ["/sign-in/?next=/"]),
            # The addresses of one household's network are one.
            ("2001:db8::1", [""]),
            ("2001:db8::2", [""]),
            ("2001:db8::ffff:3", ["/sign-in/?next=/"]),
            ("2001:db8:0:1::1", [""]),
        ):
            for path in paths:
                answer = await self.ask(**{"X-Forwarded-For": address})
                self.assertEqual(answer.headers.get("Location", ""), path, address)


class UntrustedTests(ProxyCase):
    settings = {"HTTPS": 1, "LIMIT_ADDRESS_PEOPLE": 2}

    async def test_a_proxy_that_is_not_trusted_is_named_instead_of_a_redirect_without_end(self):
        answer = await self.ask()
        self.assertEqual(answer.status, 502)
        self.assertIn("TRUSTED_PROXIES", self.server.log.read_text())

    async def test_what_it_says_of_itself_makes_nobody_https(self):
        plain = await self.ask(**{"X-Forwarded-Proto": "wss", "X-Forwarded-Ssl": "on"})
        self.assertEqual(plain.status, 301)


class ForgedAddressTests(ProxyCase):
    settings = {"LIMIT_ADDRESS_PEOPLE": 2}

    async def test_an_address_that_anybody_may_write_frees_nobody(self):
        found = [(await self.ask(**{"X-Forwarded-For": f"203.0.113.{n}"})).status for n in range(3)]
        self.assertEqual(found, [200, 200, 302])


class DeployTests(ServerCase):
    def test_djangos_own_check_of_the_production_settings_is_clean(self):
        done = manage(
            self.server.data,
            *("check", "--deploy", "--fail-level", "WARNING"),
            HTTPS=1,
            ALLOWED_HOSTS="chat.example",
            SITE_ORIGINS="https://chat.example",
            LIMIT_ALL_TOKENS=1_000_000,
        )
        self.assertEqual((done.returncode, done.stderr.count("WARNINGS")), (0, 0), done.stderr)

    def test_a_proxy_that_is_no_address_is_refused(self):
        done = manage(self.server.data, "check", TRUSTED_PROXIES="nginx")
        self.assertIn("TRUSTED_PROXIES names 'nginx'", done.stderr)
        self.assertNotIn("Traceback", done.stderr.split("ImproperlyConfigured")[-1])
