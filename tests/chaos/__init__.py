"""Kill everything at random while it works, and compare what every client saw with the database.

    python -m tests.chaos                        # the long form; prints a table
    python -m tests.chaos --write                # also puts it into docs/reliability.md
    python -m tests.chaos --only full --seed 7   # one round again

``plan`` says what happens, by a seed; ``storm`` does it; ``client`` is one follower; ``verdict`` compares.
"""
