"""What the messages of a client do: the common ones at once, the others by way of python-socketio's packets.

Whatever way a message takes, the same bounds and the same JSON hold.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from realtime.engine.packets import (
    CONNECT,
    EVENT,
    Packet,
    nested_deeper,
    read_arguments,
    read_connect,
    read_event,
)

if TYPE_CHECKING:
    from realtime.engine.session import Session


def take_message(session: Session, payload: bytearray) -> Packet | None:
    """Act on one Socket.IO packet, ``payload`` with Engine.IO's type in front; the packet where its binary attachments
    are still to come. Raises what ``packets.MALFORMED`` lists."""
    engine = session.engine
    nesting = engine.bounds.nesting
    for member in session.members:
        head = member.space.event_head
        if payload.startswith(head) and (read := read_arguments(payload, len(head))) is not None:
            ack_id, arguments = read
            if nested_deeper(arguments, nesting, _opened(payload)):
                member.refuse_nesting(ack_id)
            else:
                member.receive(arguments, ack_id)
            return None
    if payload.startswith(b"42"):
        event = read_event(payload)
        if event is not None and session.member(event.namespace) is None:
            engine.answer_stranger(session, event)
            return None
    if payload.startswith(b"40/") and (connect := read_connect(payload)) is not None:
        namespace, auth = connect
        engine.connect(session, namespace, auth, too_deep=nested_deeper([auth], nesting, _opened(payload)))
        return None
    packet = engine.packet_class(encoded_packet=payload[1:].decode())
    too_deep = nested_deeper(packet.data, nesting, _opened(payload))
    if packet.attachment_count:
        if too_deep:
            raise ValueError(f"nested deeper than {nesting}")  # no answer is worth waiting for its attachments
        if session.member(packet.namespace or "/") is None:
            raise ValueError("attachments for a namespace that it is not in")
        return packet
    if not too_deep:
        engine.take_packet(session, packet)
    elif packet.packet_type == CONNECT:
        engine.connect(session, packet.namespace or "/", None, too_deep=True)
    elif packet.packet_type == EVENT and (addressed := session.member(packet.namespace or "/")) is not None:
        addressed.refuse_nesting(packet.id)
    else:
        raise ValueError(f"nested deeper than {nesting}")
    return None


def _opened(payload: bytearray) -> int:
    """Brackets that open something, or stand in a text."""
    return payload.count(b"[") + payload.count(b"{")
