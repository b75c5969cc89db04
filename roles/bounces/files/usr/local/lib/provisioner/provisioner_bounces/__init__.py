"""The bounce service of a backend: Postfix hands it what comes to return paths.

`bounce_kinds` says what a return path and a failure are (the operator's tool has the same file), `reports`
reads messages, `accounts` is what the tenant bundle says, `forward` brings a message to its list server.
`service` puts them together, `__main__` listens.
"""
