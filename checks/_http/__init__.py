"""One HTTP request or TLS handshake: the target, the request, the answer, the certificate."""
