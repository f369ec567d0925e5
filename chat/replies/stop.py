from functools import partial
from uuid import UUID

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction

from chat.models import Ending, Message
from chat.protocol import Refused

from . import bus


def stop(user: AbstractBaseUser, id: UUID) -> None:
    """Make the user's reply `stopped`, by writing that it is: its worker's next append finds a
    final row and cancels the model. A final reply stays as it is. Refused("not_found") else."""
    reply = Message.objects.owned_by(user).filter(id=id, role=Message.Role.ASSISTANT).first()
    if reply is None:
        raise Refused("not_found")
    stop_reply(reply)


@transaction.atomic
def stop_reply(reply: Message) -> bool:
    """Make `reply` stopped, whoever owns it; False if it was final already."""
    stopped = Message.objects.end(reply.id, Ending(Message.Status.STOPPED))
    if stopped:
        reply.end_steps()
    return stopped


def stop_all(user: AbstractBaseUser) -> None:
    """Stop everything that is being written for the user."""
    for reply in Message.objects.asked_by(user).active():
        if stop_reply(reply):
            transaction.on_commit(partial(bus.ring, bus.STOPPED, reply.id))
