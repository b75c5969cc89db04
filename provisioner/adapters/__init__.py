"""The only places that touch network, disk or other processes."""
