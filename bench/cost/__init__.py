"""What a GB costs: CPU time and calls of `forward`, measured here, times prices. `python -m bench.cost`, `make cost`.

`work` measures, `formula` multiplies, `prices.toml` has the prices with their sources. Docs: docs/cost.md.
"""
