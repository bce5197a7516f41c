"""How a program comes in through the socket door, with two clients that run as they stand."""

from __future__ import annotations

from importlib import resources

_PLACEHOLDER = "https://mypick.example"  # stands in the clients for the address of the server
_CLIENTS = (("JavaScript", "javascript", "notifications.mjs"), ("Python", "python", "notifications.py"))


def connect_guide(server_url: str) -> str:
    """Markdown, for the top of the document."""
    folder = resources.files("handlers.docs") / "clients"
    clients = "\n\n".join(
        f"### {title}\n\n```{language}\n"
        f"{(folder / name).read_text('utf-8').replace(_PLACEHOLDER, server_url.rstrip('/')).strip()}\n```"
        for title, language, name in _CLIENTS
    )
    return f"""\
## Connect

- **Server**: `{server_url}`, path `/socket.io/` (what clients take by default), Socket.IO protocol 5.
- **Namespace**: `/notifications`. Clients in JavaScript append it to the address of the server.
- **Auth**: `{{"token": "<access token>"}}`, which `POST /api/v1/auth/login` gives; or `{{"api_key": "<key>"}}` with the
  scope `read`, for programs. A refusal is a `connect_error` with `data` = `{{"code", "message"}}`.
- **Streams**: `inbox:{{user id}}`, such as `inbox:17`. The server puts you in: its first event, `unread-notifications`,
  names the stream, its `epoch` and its `head_seq`.
- **Acks**: `{{"ok": true, "data": {{…}}}}` or
  `{{"ok": false, "error": {{"code", "message", "retryable", "retry_after_ms"?, "details"?}}}}`.
- **Resume**: keep `epoch` and the `seq` of the last event that you applied, and after a break call
  `sync {{stream, epoch, after_seq}}` until `more` is false. With `reset` the past cannot be told:
  `unread-notifications` comes anew.
- **Token**: 60 seconds before it ends comes `auth-expiring`; call `refresh-auth {{token}}`, or connect again.

Both clients below log in, show what arrives, and miss nothing while they are away.

{clients}"""
