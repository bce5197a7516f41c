"""Who is online, and how many are in a room."""

from mypick.presence.boards import Board, MemoryBoard, RedisBoard
from mypick.presence.people import MemoryPresence, Presence
from mypick.presence.redis_people import RedisPresence
from mypick.presence.rooms import MOVED, RoomPresence

__all__ = ["MOVED", "Board", "MemoryBoard", "MemoryPresence", "Presence", "RedisBoard", "RedisPresence", "RoomPresence"]
