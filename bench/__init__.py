"""Benchmarks: `python -m bench [--quick] [--json FILE] [CASE…]`.

The unit is MB of raw logs (bytes of keys and values) per CPU-second (user and system time of the process that does
the work; receivers run in processes of their own). What is compared runs in the same process, one after the other,
several rounds over; a ratio is the median over the rounds. Ratios can be trusted, absolute rates move with the machine.
"""
