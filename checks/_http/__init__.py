"""One HTTP or TLS question: the target, the request, what the answer says."""
