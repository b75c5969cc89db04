"""The quota service of a frontend: Postfix asks it whether the plan allows it.

Pure: `policy` is Postfix's protocol, `accounts` what the tenant bundle says, `windows` days and hours,
`verdicts` the answers. `counters` keeps counts in Valkey, `journal` those it could not take, `outcomes`
learns from Postfix's log what was refused after it was counted, `room` how full the store is. `service` puts
them together.
"""
