"""What happens to a record between source and encoder: pure functions, compiled once into a plan."""
