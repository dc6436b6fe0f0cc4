"""The one task that changes state: it takes in runs, commits them, and then publishes them."""
