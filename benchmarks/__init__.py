"""How fast the fleet is: ratios against a peer, measured in one run. `python -m benchmarks [name …]`."""
