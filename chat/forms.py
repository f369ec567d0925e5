"""What people fill in about themselves: to come in, to stay, to change, and to go."""

import logging
from concurrent.futures import ThreadPoolExecutor

from django import forms
from django.conf import settings
from django.contrib.auth import forms as auth
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.core.validators import MaxLengthValidator
from django.http import HttpRequest
from django.utils.translation import get_language, get_language_info, override
from django.utils.translation import gettext_lazy as _

from chat import passwords
from chat.models import Profile
from chat.text import clean

logger = logging.getLogger("chat.forms")

# So many accounts of one address are mailed when it is asked for.
NAMESAKES = 5

# Mail is sent in here, one after the other, while the page has its answer already.
mailing = ThreadPoolExecutor(1, "mail")


class FocusMixin:
    """A form that comes back begins where it is wrong: no script is needed to find it."""

    def full_clean(self) -> None:
        super().full_clean()
        wrong = next((name for name in self.fields if name in self.errors), None)
        if wrong is not None:
            for field in self.fields.values():
                field.widget.attrs.pop("autofocus", None)
            self.fields[wrong].widget.attrs["autofocus"] = True


class SignInForm(FocusMixin, auth.AuthenticationForm):
    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        # Django tells only the browser. What is longer no database can write down as an attempt.
        name = self.fields["username"]
        name.validators.append(MaxLengthValidator(name.max_length))

    def clean(self) -> dict:
        with passwords.turn(self.request):
            return super().clean()


class SignUpForm(FocusMixin, auth.UserCreationForm):
    """A new account, or a guest's own row (`instance`), which becomes one."""

    class Meta(auth.UserCreationForm.Meta):
        model = get_user_model()
        fields = ("username", "email")

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.initial.pop("username", None)  # a guest's was not chosen
        self.fields["username"].help_text = _("Letters, digits, and @ . + - _")
        self.fields["password2"].label = _("Password again")
        self.fields["password2"].help_text = ""
        self.fields["email"].widget.attrs["autocomplete"] = "email"
        self.fields["email"].help_text = _("For a new password when you forget yours. Optional.")
        if not settings.MAIL:
            del self.fields["email"]


class NewPasswordForm(FocusMixin, auth.SetPasswordForm):
    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.fields["new_password2"].label = _("New password again")
        self.fields["new_password2"].help_text = ""


class PasswordForm(NewPasswordForm, auth.PasswordChangeForm):
    def __init__(self, request: HttpRequest, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.request = request

    def clean_old_password(self) -> str:
        password = self.cleaned_data["old_password"]
        if not passwords.is_own(self.request, password):
            wrong = self.error_messages["password_incorrect"]
            raise forms.ValidationError(wrong, code="password_incorrect")
        return password


class ForgottenForm(FocusMixin, auth.PasswordResetForm):
    def get_users(self, email: str) -> list[AbstractBaseUser]:
        """Who is to be mailed: the first with this address, once in a while. It is not known to be
        theirs who gave it: somebody else's box would get as many mails as there are accounts."""
        users = sorted(super().get_users(email), key=lambda user: user.pk)[:NAMESAKES]
        return users if Profile.objects.claim_mail(users) else []

    def send_mail(self, *args, **kwargs) -> None:
        """Later: how long a mail server takes tells whoever asks that there is an account."""
        mailing.submit(self._send_mail, get_language(), *args, **kwargs)

    def _send_mail(self, language: str, *args, **kwargs) -> None:
        try:
            with override(language):
                super().send_mail(*args, **kwargs)  # which logs what the mail server does
        except Exception:
            logger.exception("a mail was not written")


class PreferencesForm(FocusMixin, forms.ModelForm):
    class Meta:
        model = Profile
        fields = ("instructions", "enter_sends", "theme", "language", "announce")
        labels = {
            "instructions": _("Your instructions"),
            "enter_sends": _("Enter sends the message"),
            "theme": _("Colours"),
            "language": _("Language"),
            "announce": _("A screen reader is told"),
        }
        help_texts = {
            "instructions": _("Told to the model with every question: who you are, how to answer."),
            "enter_sends": _("If not, Enter starts a new line, and Ctrl Enter sends."),
            "language": "",
            "announce": "",
        }
        widgets = {
            "instructions": forms.Textarea(attrs={"rows": 5, "dir": "auto"}),
            "theme": forms.RadioSelect,
            "announce": forms.RadioSelect,
        }

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        languages = [
            (code, get_language_info(code)["name_local"]) for code, _ in settings.LANGUAGES
        ]
        languages.sort(key=lambda language: language[1].casefold())
        choices = [("", _("As the browser asks")), *languages]
        self.fields["language"] = forms.ChoiceField(
            label=self.fields["language"].label, choices=choices, required=False
        )

    def clean_instructions(self) -> str:
        return clean(self.cleaned_data["instructions"]).strip()


class DeleteForm(FocusMixin, forms.Form):
    """The farewell: who has a password says it once more."""

    password = forms.CharField(
        label=_("Password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password", "autofocus": True}),
    )

    def __init__(self, request: HttpRequest, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.request = request
        if not request.user.has_usable_password():
            del self.fields["password"]

    def clean_password(self) -> str:
        password = self.cleaned_data["password"]
        if not passwords.is_own(self.request, password):
            raise forms.ValidationError(_("That is not your password."), code="password")
        return password
