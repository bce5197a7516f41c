"""The socket door: Socket.IO namespaces over the services of ``mypick``. It holds no business rules."""
