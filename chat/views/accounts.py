"""Coming in, staying, another password, and going: Django's own views, with what a chat adds.

Tabs are open while this happens, so each of these rings for them: see `chat/replies/guard.py`.
"""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login, logout, update_session_auth_hash
from django.contrib.auth import views as auth
from django.contrib.auth.mixins import LoginRequiredMixin
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse_lazy
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.generic import CreateView, FormView

from chat import forms
from chat.models import Conversation, Profile, address_token
from chat.replies import guard, tree
from chat.replies.sync import in_turn

from .preferences import remember
from .visitor import CROWDED, admit

# In the session: the guest whose conversations this account has taken over. The page keeps what
# that one had not sent yet.
FORMERLY = "formerly"


def guest_of(request: HttpRequest) -> Profile | None:
    """The guest who is asking, if it is one."""
    if not request.user.is_authenticated:
        return None
    profile = Profile.objects.of(request.user)
    return profile if profile.guest else None


def ring_if_moved(request: HttpRequest, session: str | None) -> None:
    """Have the tabs come again that came by `session`, if it has another key now."""
    if session and session != request.session.session_key:
        guard.ring_move(session)


class SignIn(auth.LoginView):
    """A guest's conversations come along."""

    form_class = forms.SignInForm
    template_name = "chat/accounts/sign_in.html"

    def get_context_data(self, **kwargs: Any) -> dict:
        about = {"guest": guest_of(self.request), "guests": settings.GUESTS}
        return super().get_context_data(**about, sign_up=settings.SIGN_UP, **kwargs)

    def form_valid(self, form: forms.SignInForm) -> HttpResponse:
        guest, session = guest_of(self.request), self.request.session.session_key
        with transaction.atomic():
            if guest is not None:
                tree.move(guest.user, to=form.get_user())
            response = super().form_valid(form)
            ring_if_moved(self.request, session)
        if guest is not None:
            self.request.session[FORMERLY] = str(guest.id)
        return remember(response, Profile.objects.of(form.get_user()))


class SignOut(auth.LogoutView):
    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        person = Profile.objects.of(request.user).id if request.user.is_authenticated else None
        response = super().post(request, *args, **kwargs)
        if person is not None:
            guard.ring_doubt(person)
        messages.success(request, _("You are signed out."))
        return response


@method_decorator([sensitive_post_parameters(), never_cache], name="dispatch")
class SignUp(auth.RedirectURLMixin, CreateView):
    """A new account. A guest's own row becomes it, so that nothing has to move."""

    form_class = forms.SignUpForm
    template_name = "chat/accounts/sign_up.html"
    next_page = settings.LOGIN_REDIRECT_URL

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not settings.SIGN_UP:
            raise Http404("Accounts are made by the administrator.")
        self.guest = guest_of(request)
        if request.user.is_authenticated and self.guest is None:
            return redirect(self.get_success_url())
        return super().dispatch(request, *args, **kwargs)

    def get_form_kwargs(self) -> dict:
        return super().get_form_kwargs() | {"instance": self.guest.user if self.guest else None}

    def get_context_data(self, **kwargs: Any) -> dict:
        next_url = {self.redirect_field_name: self.get_redirect_url()}
        return super().get_context_data(guest=self.guest, **next_url, **kwargs)

    def form_valid(self, form: forms.SignUpForm) -> HttpResponse:
        session = self.request.session.session_key
        address = address_token(self.request.META.get("REMOTE_ADDR"))
        if self.guest is None and not admit(address):
            form.add_error(None, CROWDED)
            return self.form_invalid(form)
        user = form.save(commit=False)  # making the hash takes longer than a transaction should
        with transaction.atomic():
            user.save()
            Profile.objects.of(user).become_account(address)
            login(self.request, user, backend=settings.AUTHENTICATION_BACKENDS[-1])
            ring_if_moved(self.request, session)
        return redirect(self.get_success_url())


@method_decorator(never_cache, name="dispatch")
class Password(auth.PasswordChangeView):
    """Every other browser of the person is signed out by it."""

    form_class = forms.PasswordForm
    template_name = "chat/accounts/password.html"
    success_url = reverse_lazy("chat:settings")

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.user.is_authenticated and not request.user.has_usable_password():
            return redirect(self.get_success_url())
        return super().dispatch(request, *args, **kwargs)

    def get_form_kwargs(self) -> dict:
        return super().get_form_kwargs() | {"request": self.request}

    def form_valid(self, form: forms.PasswordForm) -> HttpResponse:
        session = self.request.session.session_key
        user = form.save(commit=False)
        with transaction.atomic():
            user.save(update_fields=["password"])
            update_session_auth_hash(self.request, user)
            ring_if_moved(self.request, session)
        messages.success(
            self.request, _("Your password is changed. Other browsers are signed out.")
        )
        return redirect(self.get_success_url())


class Forgotten(auth.PasswordResetView):
    """A link by mail, where there is mail."""

    form_class = forms.ForgottenForm
    template_name = "chat/accounts/forgotten.html"
    email_template_name = "chat/accounts/forgotten_mail.txt"
    subject_template_name = "chat/accounts/forgotten_subject.txt"
    success_url = reverse_lazy("chat:sign-in")

    def get_context_data(self, **kwargs: Any) -> dict:
        return super().get_context_data(mail=settings.MAIL, **kwargs)

    def form_valid(self, form: forms.ForgottenForm) -> HttpResponse:
        if not settings.MAIL:
            raise Http404("This site sends no mail.")
        messages.success(
            self.request, _("If an account has this address, a link is on its way to it.")
        )
        return super().form_valid(form)


class NewPassword(auth.PasswordResetConfirmView):
    """Where that link leads."""

    form_class = forms.NewPasswordForm
    template_name = "chat/accounts/new_password.html"
    success_url = reverse_lazy("chat:sign-in")

    def form_valid(self, form: forms.NewPasswordForm) -> HttpResponse:
        messages.success(self.request, _("Your password is changed. Sign in with it."))
        return super().form_valid(form)


@method_decorator([sensitive_post_parameters(), never_cache], name="dispatch")
class Delete(LoginRequiredMixin, FormView):
    """A person goes, with everything that was theirs. What was being written for them stops."""

    form_class = forms.DeleteForm
    template_name = "chat/accounts/delete.html"
    success_url = reverse_lazy("chat:goodbye")

    def get_form_kwargs(self) -> dict:
        return super().get_form_kwargs() | {"request": self.request}

    def get_context_data(self, **kwargs: Any) -> dict:
        talks = Conversation.objects.owned_by(self.request.user).alive()
        amount = {"conversations": talks.count(), "said": talks.said()}
        return super().get_context_data(guest=guest_of(self.request), **amount, **kwargs)

    def form_valid(self, form: forms.DeleteForm) -> HttpResponse:
        user = self.request.user
        for piece in tree.forgetting(user):
            in_turn(user, piece)
        logout(self.request)
        return super().form_valid(form)
