"""What runs on one machine: the command line, the embedded log store, the trigger runner, the sinks."""
