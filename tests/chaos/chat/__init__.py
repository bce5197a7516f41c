"""People talk, moderators moderate, everything breaks; what each of them saw, was told and did is compared.

``script`` says by a seed who does what; ``cast`` are the people and the rooms; ``seen`` is what one client makes of one
room, ``member`` that client's socket, of three kinds; ``deeds`` turns a line of the script into a command; ``round``
plays it, and ``verdict`` compares.
"""
