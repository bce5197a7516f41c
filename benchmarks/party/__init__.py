"""Guests of a watch party who are not there: the client's algorithm in Python, players and networks to try it on.

``clock``, ``timeline``, ``latency``, ``orders`` and ``drift`` are line by line what ``handlers/static/mypick/party``
does in JavaScript; ``tests/watchparty/test_twins.py`` holds the two together.
"""
