"""Pure: models, rules and plans. No I/O and nothing imported from the other layers."""
