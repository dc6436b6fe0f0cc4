"""What a browser and Prometheus see of the supervisor: the status page and its metrics.

`binding` and `tasks` are light. The rest, with Hypercorn and Starlette, is imported when
`status.listen` is set.
"""
