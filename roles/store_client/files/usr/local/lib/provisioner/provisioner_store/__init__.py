"""What services ask of the fleet's store (Valkey): `store` is the connection, `suppressions` the lists."""
