"""Provision and run outbound mail: the tool of mail hosters."""


def version() -> str:
    """The installed version."""
    from importlib import metadata  # noqa: PLC0415 - slow, and only --version asks

    return metadata.version("provisioner")
