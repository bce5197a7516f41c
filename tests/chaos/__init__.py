"""Break everything at random while it works, and compare what every client saw with the database.

    python -m tests.chaos                         # the long form; prints tables
    python -m tests.chaos --write                 # also puts them into docs/reliability.md
    python -m tests.chaos --only nodes --seed 7   # one round again
    python -m tests.chaos --only chat             # people who talk and moderate while all that happens
    python -m tests.chaos --only clocks           # clocks that step to and fro
    python -m tests.chaos --only silence          # links that are dead and do not say so
    python -m tests.chaos --only siege            # those who mean harm, and whether anybody else feels it
    python -m tests.chaos.soak --minutes 60       # what grows in mixed traffic

``plan`` says what happens, by a seed; ``ground`` is what it happens to, ``faults`` does it, through ``proxy`` and
``bus``; ``client`` is one follower and ``official`` are those with a socket of somebody else's; ``storm`` is a round of
all this and ``verdict`` compares. ``hostile`` attacks, in ``siege``. ``dials`` set the clocks of processes as ``steps``
say, in ``stepped``, where ``talkers`` talk too. In ``silence`` links die unheard, and some are ``deaf``. ``chat`` is a
community in the storm.
"""
