"""Communities brought along from elsewhere: the logs of chats, as well-known exporters write them."""
