"""The socket engine: Engine.IO and Socket.IO as python-socketio speaks them, with connections of our own."""
