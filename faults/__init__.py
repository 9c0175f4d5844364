"""The fault matrix: `python -m faults [--full] [--only TEXT] [--jobs N] [--json FILE] [--docs]`.

A cell is one way to a destination and one fault. It runs the whole job over real sockets: embedded log store, engine,
destination, a front that misbehaves, a sink that writes down what arrived. Then the fault ends, and what became of each
record is counted and compared with what `faults.toml` expects, which names the row of docs/fates.md that says so.
"""
