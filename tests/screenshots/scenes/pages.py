"""The other pages."""

import re
import sqlite3

from tests.screenshots import script
from tests.screenshots.scene import scene
from tests.visitor import PASSWORD

FORMS = "form.fields"


def _search(stage, asked):
    stage.ada()
    stage.ask(script.TIDE)
    stage.page.goto(f"{stage.server.url}/")
    stage.ask(script.RICH)
    stage.page.goto(f"{stage.server.url}/search/?q={asked}")


@scene("[data-part=found][data-state=found]")
def search(stage):
    """A search: titles and messages."""
    _search(stage, "tide")


@scene("[data-part=found][data-state=nothing]")
def search_nothing(stage):
    """Nothing found."""
    _search(stage, "submarine")


@scene("[data-part=found][data-state=short]")
def search_short(stage):
    """One letter is too little."""
    stage.ada("/search/?q=t")


@scene("[data-part=found][data-state=unclear]")
def search_unclear(stage):
    """No word in what is asked."""
    stage.ada("/search/?q=%3F!")


@scene("[data-part=found][data-state=empty]")
def search_empty(stage):
    """Before anything is asked."""
    stage.ada("/search/")


@scene(FORMS)
def settings(stage):
    """The settings of somebody with an account."""
    stage.ada("/settings/")


@scene(FORMS)
def settings_of_guest(stage):
    """A guest's settings."""
    stage.guest()
    stage.page.goto(f"{stage.server.url}/settings/")


@scene(FORMS)
def sign_in(stage):
    """Signing in."""
    stage.guest(path="/sign-in/")


@scene(".notice.danger")
def sign_in_wrong(stage):
    """A wrong password."""
    stage.guest(path="/sign-in/")
    stage.page.fill("[name=username]", "ada")
    stage.page.fill("[name=password]", "not hers")
    stage.page.press("[name=password]", "Enter")
    stage.visible("[role=alert]")


@scene()
def locked(stage):
    """Too many wrong passwords, in a row."""
    stage.guest(path="/sign-in/")
    while not stage.page.get_by_text("Too many wrong passwords").count():
        stage.page.fill("[name=username]", "somebody")
        stage.page.fill("[name=password]", "a guess")
        with stage.page.expect_navigation():
            stage.page.press("[name=password]", "Enter")


@scene(FORMS)
def sign_up(stage):
    """Making an account."""
    stage.guest(path="/sign-up/")


@scene(".field-error")
def sign_up_wrong(stage):
    """A name that is taken, and a password that is too easy."""
    stage.theatre.ada()
    stage.guest(path="/sign-up/")
    stage.page.fill("[name=username]", "ada")
    stage.page.fill("[name=password1]", "12345")
    stage.page.fill("[name=password2]", "12345")
    stage.page.press("[name=password2]", "Enter")
    stage.visible(".field-error")


@scene(FORMS)
def forgotten(stage):
    """A forgotten password."""
    stage.guest(path="/password/forgotten/")


def _forgot(stage):
    stage.theatre.ada()
    stage.guest(path="/password/forgotten/")
    stage.page.fill("[name=email]", script.MAIL)
    stage.page.press("[name=email]", "Enter")
    stage.visible(".notice")


@scene(".notice.good")
def forgotten_sent(stage):
    """Where to look for the link."""
    _forgot(stage)


@scene(FORMS)
def new_password(stage):
    """The link in that mail."""
    _forgot(stage)
    mail = max(stage.theatre.mail.iterdir(), key=lambda path: path.stat().st_mtime).read_text()
    stage.page.goto(f"{stage.server.url}{re.search(r'/password/[^/]+/[^/]+/', mail)[0]}")


@scene()
def new_password_stale(stage):
    """A link that was used, or is too old."""
    stage.guest()
    stage.page.goto(f"{stage.server.url}/password/MQ/set-password/")


@scene(FORMS)
def password(stage):
    """Another password."""
    stage.ada("/password/")


@scene(FORMS)
def delete_account(stage):
    """Leaving, with everything."""
    stage.ada("/account/delete/")


@scene(FORMS)
def delete_guest(stage):
    """A guest leaves."""
    stage.guest()
    stage.page.goto(f"{stage.server.url}/account/delete/")


@scene()
def goodbye(stage):
    """Gone."""
    stage.guest(path="/goodbye/")


@scene()
def not_found(stage):
    """A conversation that is not there, or not this person's."""
    stage.ada("/c/00000000-0000-4000-8000-000000000000/")


@scene()
def csrf(stage):
    """A form that was open for too long."""
    stage.guest(path="/sign-in/")
    stage.page.fill("[name=username]", "ada")
    stage.page.fill("[name=password]", PASSWORD)
    stage.person.clear_cookies()
    stage.page.press("[name=password]", "Enter")
    stage.page.wait_for_load_state()


@scene()
def forbidden(stage):
    """What only administrators may see."""
    stage.administrator("/admin/chat/conversation/add/")


@scene()
def server_error(stage):
    """The server fails: a table of the database is not there."""
    stage.ada()
    with sqlite3.connect(stage.server.data / "chat.sqlite3") as database:
        database.execute("ALTER TABLE chat_profile RENAME TO chat_mislaid")
    stage.page.goto(f"{stage.server.url}/settings/")
    with sqlite3.connect(stage.server.data / "chat.sqlite3") as database:
        database.execute("ALTER TABLE chat_mislaid RENAME TO chat_profile")
