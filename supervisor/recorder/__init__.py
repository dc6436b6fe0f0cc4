"""The only task that changes state. It takes in runs, commits them, and then publishes them."""
