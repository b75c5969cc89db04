"""Provision and run outbound mail: the tool of mail hosters."""

from importlib import metadata


def version() -> str:
    """The installed version."""
    return metadata.version("provisioner")
