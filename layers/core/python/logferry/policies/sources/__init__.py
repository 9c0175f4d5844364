"""What reading needs. One file a source: `grants(Task, options, Whom) -> list[Grant]`."""
