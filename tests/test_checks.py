from pathlib import Path

from django.conf import settings
from django.core.checks import run_checks
from django.test import SimpleTestCase, override_settings

from chat.checks import file_system_of

MOUNTS = """\
/dev/vda / ext4 rw 0 0
server:/export /srv/data nfs4 rw 0 0
tmpfs /srv/data/fast tmpfs rw 0 0
//host/share /mnt/my\\040share cifs rw 0 0
"""


def ids(*, deploy: bool = False) -> list[str]:
    found = run_checks(include_deployment_checks=deploy)
    return [one.id for one in found if one.id.startswith("chat.")]


class CheckTests(SimpleTestCase):
    def test_the_defaults_pass(self):
        self.assertEqual(ids(), [])

    def test_a_flow_that_is_not_there(self):
        with override_settings(CHAT_FLOWS={"chat": "chat.flows.nowhere.build"}):
            self.assertEqual(ids(), ["chat.E001"])
        with override_settings(CHAT_FLOWS={}):
            self.assertEqual(ids(), ["chat.E002"])

    def test_models_of_a_backend_that_is_not_there_or_names_none(self):
        nothing = {"BACKEND": "chat.llm.demo.Demo"}
        with override_settings(LLMS={"default": nothing}, CHAT_LLMS=["default", "local"]):
            self.assertEqual(ids(), ["chat.E005"])
        llms = {"default": nothing, "local": nothing}
        with override_settings(LLMS=llms, CHAT_LLMS=["default", "local"]):
            self.assertEqual(ids(), ["chat.E006"])
        with override_settings(LLMS={"default": nothing}, CHAT_LLMS=[]):
            self.assertEqual(ids(), ["chat.E007"])

    def test_two_models_of_one_name(self):
        llms = {"default": {"MODELS": ["local:a", "b"]}, "local": {"MODELS": ["a", "b"]}}
        with override_settings(LLMS=llms, CHAT_LLMS=["default", "local"]):
            self.assertEqual(ids(), ["chat.E008"])

    def test_strangers_without_a_bound(self):
        for guests, sign_up, all_tokens, found in (
            (True, False, 0, ["chat.W001"]),
            (False, True, 0, ["chat.W001"]),
            (False, False, 0, []),
            (True, True, 1, []),
        ):
            limits = {**settings.CHAT_LIMITS, "all_tokens": all_tokens}
            with override_settings(GUESTS=guests, SIGN_UP=sign_up, CHAT_LIMITS=limits):
                self.assertEqual(ids(deploy=True), found)

    def test_a_layer_in_memory(self):
        memory = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
        with override_settings(CHANNEL_LAYERS=memory):
            self.assertEqual(ids(), ["chat.E003"])

    def test_the_file_system_of_a_path(self):
        for path, kind in (
            ("/home/chat.sqlite3", "ext4"),
            ("/srv/data/chat.sqlite3", "nfs4"),
            ("/srv/data/fast/chat.sqlite3", "tmpfs"),
            ("/srv/database/chat.sqlite3", "ext4"),
            ("/mnt/my share/chat.sqlite3", "cifs"),
        ):
            self.assertEqual(file_system_of(Path(path), MOUNTS), kind, path)
