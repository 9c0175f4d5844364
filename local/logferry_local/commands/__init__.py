"""The command line. One file a command (or group): `register(app: typer.Typer) -> None` adds it."""
