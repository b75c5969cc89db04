"""The list server of a customer, behind one interface whatever software it runs: JSON in and out.

`software` says what an adaptor does; `sympa` and `phplist` do it. `returns` reads what backends say of a
bounce, `outbox` looks after Postfix's queue, `archives` writes and checks backups, `keeping` makes and
restores them.
"""
