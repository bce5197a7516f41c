"""What stands behind links: fetched by a worker that trusts neither the address nor the page."""
