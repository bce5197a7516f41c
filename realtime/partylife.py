"""What goes on around the video in the namespace ``/watch-party``: the queue, the chat and the reactions."""

from __future__ import annotations

from mypick.watchparty.chat import commands as chat
from mypick.watchparty.chat import views as chat_views
from mypick.watchparty.queue import commands as queue
from mypick.watchparty.queue import views as queue_views
from mypick.watchparty.service import WatchParties
from mypick.watchparty.streams import MESSAGE_CREATED, MESSAGE_DELETED, QUEUE_CHANGED, REACTIONS
from mypick.watchparty.views import Done, Nothing, Steered
from realtime.connection import Connection
from realtime.namespace import Namespace
from realtime.registry import ServerEvent, command

WRITE = "watch-party:write"

PARTY_LIFE_EVENTS = (
    ServerEvent(QUEUE_CHANGED, queue_views.QueueChanged, True, "What is played next has changed: it tells how."),
    ServerEvent(MESSAGE_CREATED, chat_views.PartyMessageSaid, True, "Somebody said something; shown as it is now."),
    ServerEvent(MESSAGE_DELETED, chat_views.PartyMessageDeleted, True, "A message is a tombstone: it has no text."),
    ServerEvent(
        REACTIONS, chat_views.PartyReactions, False, "What all react with, gathered over 250 ms.", droppable=True
    ),
)


class PartyLifeCommands(Namespace):
    parties: WatchParties

    @command("queue-add", limit="party.queue", scope=WRITE)
    async def queue_add(self, conn: Connection, cmd: queue.QueueAdd) -> queue_views.QueueAdded:
        """Add a video to what is played next."""
        return await self.parties.queue.add(conn.actor, cmd)

    @command("queue-remove", limit="party.queue", scope=WRITE)
    async def queue_remove(self, conn: Connection, cmd: queue.QueueRemove) -> queue_views.QueueDone:
        """Take a video out of what is played next."""
        return await self.parties.queue.remove(conn.actor, cmd)

    @command("queue-vote", limit="party.vote", scope=WRITE)
    async def queue_vote(self, conn: Connection, cmd: queue.QueueVoteOn) -> queue_views.QueueDone:
        """Want to see a video soon, or no longer."""
        return await self.parties.queue.vote(conn.actor, cmd)

    @command("queue-next", limit="party.control", scope=WRITE)
    async def queue_next(self, conn: Connection, cmd: queue.QueueNext) -> Steered:
        """Play the next video now. CONFLICT where ``base_seq`` is old; its ``details.timeline`` is the current one."""
        return await self.parties.queue.next(conn.actor, cmd)

    @command("party-message", scope=WRITE)
    async def party_message(self, conn: Connection, cmd: chat.SendPartyMessage) -> chat_views.PartyMessageSent:
        """Say something. It is kept with the position at which it was said."""
        return await self.parties.chat.send(conn.actor, cmd)

    @command("delete-message", scope=WRITE)
    async def delete_message(self, conn: Connection, cmd: chat.DeletePartyMessage) -> Done:
        """Take back one's own words, or what somebody of a lower rank said."""
        return await self.parties.chat.delete(conn.actor, cmd)

    @command("party-react", limit="party.react", scope=WRITE)
    def party_react(self, conn: Connection, cmd: chat.ReactToParty) -> Nothing:
        """Let the others see how one likes it. It is counted with those of all and kept nowhere."""
        self.parties.reactions.react(conn.actor, cmd)
        return Nothing()
