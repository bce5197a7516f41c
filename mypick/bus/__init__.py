"""The bus carries wake-ups between nodes. It may lose any message: the database is the truth."""

from mypick.bus.memory import MemoryBus, MemoryExchange
from mypick.bus.protocol import Bus, MessageHandler
from mypick.bus.redis import RedisBus

__all__ = ["Bus", "MemoryBus", "MemoryExchange", "MessageHandler", "RedisBus"]
