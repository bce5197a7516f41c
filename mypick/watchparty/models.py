"""Tables of watch parties: each with its timeline, who belongs, and who is there."""

from __future__ import annotations

from tortoise import fields
from tortoise.models import Model

MAX_MEMBERS = 20_000  # people who were asked to one party, or were there, up to which more are asked

class WatchParty(Model):
    """A party and its timeline, whose event is in the stream ``party:{id}``. All but the lease changes under that
    stream's lock. Times that end in _ms are on the watch-party clock."""

    id = fields.BigIntField(primary_key=True, generated=False)
    title = fields.CharField(max_length=150)
    visibility = fields.CharField(max_length=9)  # public, community, invite
    creator_id = fields.BigIntField(db_index=True)  # of the content it was opened with: whose community it is
    may_control = fields.CharField(max_length=8)  # host, cohosts, everyone
    may_queue = fields.CharField(max_length=8)
    may_invite = fields.CharField(max_length=8)
    host_id = fields.BigIntField()
    host_until_ms = fields.BigIntField(null=True, db_index=True)  # the host's lease; None while nobody could follow
    opened_at = fields.DatetimeField(null=True)  # when the host was there first; before that nobody follows
    former_host_id = fields.BigIntField(null=True)
    reclaim_until_ms = fields.BigIntField(null=True)  # until when the former host may take it back
    status = fields.CharField(max_length=8)  # idle, waiting, playing, paused, ended
    content_id = fields.BigIntField()
    duration_ms = fields.BigIntField(null=True)
    anchor_position_ms = fields.BigIntField()
    anchor_at_ms = fields.BigIntField()
    rate = fields.FloatField()
    effective_at_ms = fields.BigIntField()
    reason = fields.CharField(max_length=20)
    timeline_epoch = fields.CharField(max_length=8)
    timeline_seq = fields.BigIntField()
    gate_until_ms = fields.BigIntField(null=True)
    due_at_ms = fields.BigIntField(null=True, db_index=True)  # when it moves on without a command
    capacity = fields.IntField(default=5_000)  # people at once; the host and co-hosts get in always
    autoplay = fields.BooleanField(default=True)  # the next of the queue is loaded when a video ends
    starts_at = fields.DatetimeField(null=True, db_index=True)  # when it begins, if that was said
    votes_told_ms = fields.BigIntField(null=True)  # when an event told the votes of its queue last
    votes_due = fields.BooleanField(default=False)  # there are others since, which a job will tell
    created_by = fields.BigIntField(db_index=True)
    titled_by = fields.BigIntField(null=True, db_index=True)  # whose words the title is; None: of who opened it
    created_at = fields.DatetimeField()
    ended_at = fields.DatetimeField(null=True)

    class Meta:
        table = "watch_party"
        indexes = (("visibility", "ended_at", "id"),)


class PartyMember(Model):
    """Somebody who was in a party, was asked to come, or may not come any more. The host is named by the party."""

    id = fields.BigIntField(primary_key=True)
    party_id = fields.BigIntField()
    user_id = fields.BigIntField(db_index=True)
    role = fields.CharField(max_length=6, default="guest")  # cohost, guest
    invited = fields.BooleanField(default=False)
    present = fields.BooleanField(default=False)
    told = fields.BooleanField(default=False)  # that they joined; in a large party it is not
    since_ms = fields.BigIntField(null=True)  # when they came; a short absence does not count
    left_ms = fields.BigIntField(null=True)
    kicked = fields.BooleanField(default=False)  # and has not come again
    banned_at = fields.DatetimeField(null=True)
    ban_reason = fields.CharField(max_length=500, null=True)
    created_at = fields.DatetimeField()

    class Meta:
        table = "party_member"
        unique_together = (("party_id", "user_id"),)
        indexes = (("party_id", "present", "since_ms"),)


class PartySeat(Model):
    """Somebody's sockets in a party on one node: there while the node lives and the seat has no end."""

    id = fields.BigIntField(primary_key=True)
    party_id = fields.BigIntField()
    user_id = fields.BigIntField(db_index=True)
    node = fields.CharField(max_length=40, db_index=True)
    until_ms = fields.BigIntField(null=True, db_index=True)  # the last socket is gone, and may come back until then
    ready_seq = fields.BigIntField(default=0)  # the timeline that they are ready to start

    class Meta:
        table = "party_seat"
        unique_together = (("party_id", "user_id", "node"),)


class PartyNode(Model):
    """A process that has sockets in parties, and until when it counts as alive unless it says so again."""

    node = fields.CharField(max_length=40, primary_key=True)
    started_ms = fields.BigIntField()
    until_ms = fields.BigIntField(db_index=True)

    class Meta:
        table = "party_node"
