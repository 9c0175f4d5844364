"""Bytes on the wire: one HTTP request, one UDP, TCP or TLS stream, compression."""
