"""Simple Log Service spoken by ourselves: signatures, client, log group codec, consumer groups."""
