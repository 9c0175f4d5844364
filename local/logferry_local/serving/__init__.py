"""The functions with an HTTP trigger as servers on this machine: `logferry serve`."""
