"""The bus carries wake-ups between nodes. It may lose any message: the database is the truth."""

from mypick.bus.protocol import Bus, MessageHandler

__all__ = ["Bus", "MessageHandler"]
