"""What delivering needs. One file a destination: `grants(Task, options, Whom) -> list[Grant]`."""
